using System.Globalization;

namespace ModelCompiler.Compare.Processes;

/// <summary>
/// Watches how much memory another process has at most, on Linux: VmHWM, which only grows, so that looking seldom loses nothing but what is taken
/// right before the end. (What wait4 tells is no use: it counts the memory of the process that started the program, too.)
/// </summary>
internal sealed class PeakMemory : IDisposable
{
    private readonly string path;
    private readonly Timer? timer;
    private readonly Lock gate = new();

    /// <summary>Begins to look that often; zero: only when told to.</summary>
    public PeakMemory(int process, TimeSpan every)
    {
        path = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/status");
        timer = every > TimeSpan.Zero && OperatingSystem.IsLinux() ? new Timer(_ => Look(), null, every, every) : null;
    }

    /// <summary>The most so far.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Looks now.</summary>
    public void Look()
    {
        long found = Read();
        lock (gate)
        {
            PeakBytes = Math.Max(PeakBytes, found);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => timer?.Dispose();

    private long Read()
    {
        const string Name = "VmHWM:";
        try
        {
            string? line = OperatingSystem.IsLinux() ? File.ReadLines(path).FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal)) : null;
            return line is null ? 0 : 1024 * long.Parse(line.AsSpan(Name.Length).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0; // it has ended
        }
    }
}

using System.Globalization;
using System.Runtime.InteropServices;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.Compare.Results;

/// <summary>Where the numbers come from.</summary>
internal sealed record Machine(string Processor, int Cores, long LastLevelCacheBytes, long MemoryBytes, string System)
{
    /// <summary>This one.</summary>
    public static Machine Here() => new(
        ReadProcessor(), Environment.ProcessorCount, ProcessorCache.LastLevelBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, ReadSystem());

    /// <summary>In a line.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Processor}, {Cores} cores, {LastLevelCacheBytes / 1048576.0:F0} MiB last-level cache, {MemoryBytes / 1073741824.0:F0} GiB memory, {System}");

    private static string ReadProcessor()
    {
        Dictionary<string, string> facts = Facts("/proc/cpuinfo", ':');
        return facts.TryGetValue("model name", out string? name)
            ? $"{name} (family {facts.GetValueOrDefault("cpu family", "?")}, model {facts.GetValueOrDefault("model", "?")})"
            : RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static string ReadSystem() => Facts("/etc/os-release", '=').TryGetValue("PRETTY_NAME", out string? name)
        ? name.Trim('"')
        : RuntimeInformation.OSDescription;

    /// <summary>Name and value of each line, the first of each name; none where there is no such file.</summary>
    private static Dictionary<string, string> Facts(string path, char separator)
    {
        Dictionary<string, string> facts = new(StringComparer.Ordinal);
        foreach (string[] parts in (File.Exists(path) ? File.ReadLines(path) : []).Select(line => line.Split(separator, 2)).Where(parts => parts.Length == 2))
        {
            facts.TryAdd(parts[0].Trim(), parts[1].Trim());
        }

        return facts;
    }
}

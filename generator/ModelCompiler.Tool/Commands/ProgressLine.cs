using System.Diagnostics;
using System.Globalization;

namespace ModelCompiler.Tool.Commands;

/// <summary>
/// One line on standard error that tells how far long work has come: only where a person watches, only after it has taken a
/// moment, and gone without a trace when the work is done.
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    private readonly bool watched = !Console.IsErrorRedirected;
    private readonly Lock gate = new();
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private TimeSpan next = Patience;
    private int shown;

    /// <summary>Begins a piece of work of so many bytes (0: unknown).</summary>
    public IProgress<long> Begin(string what, long totalBytes)
    {
        Show(what, done: 0, totalBytes);
        return new Receiver(this, what, totalBytes);
    }

    /// <summary>Wipes the line.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            next = TimeSpan.MaxValue;
            Overwrite("");
        }
    }

    private void Show(string what, long done, long totalBytes)
    {
        lock (gate)
        {
            if (watched && clock.Elapsed >= next)
            {
                next = clock.Elapsed + Between;
                Overwrite(totalBytes == 0
                    ? $"{what} …"
                    : string.Create(CultureInfo.InvariantCulture, $"{what} {100.0 * done / totalBytes:F0} % of {totalBytes / 1e6:F0} MB"));
            }
        }
    }

    private void Overwrite(string text)
    {
        if (shown > 0 || text.Length > 0)
        {
            Console.Error.Write("\r" + text.PadRight(shown) + (text.Length == 0 ? "\r" : ""));
            shown = text.Length;
        }
    }

    private sealed class Receiver(ProgressLine line, string what, long totalBytes) : IProgress<long>
    {
        public void Report(long value) => line.Show(what, value, totalBytes);
    }
}

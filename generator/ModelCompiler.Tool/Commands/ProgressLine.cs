using System.Diagnostics;
using System.Globalization;

namespace ModelCompiler.Tool.Commands;

/// <summary>
/// One line on standard error that tells how far long work has come: only where a person watches, only after it has taken a
/// moment, and gone without a trace when the work is done. Work that tells nothing while it lasts (compiling) is seen to go on by its seconds.
/// </summary>
internal sealed class ProgressLine : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    private readonly Lock gate = new();
    private readonly Stopwatch clock = new();
    private readonly Timer? timer;
    private string? what;
    private long done;
    private long total;
    private string shown = "";

    public ProgressLine()
    {
        timer = Console.IsErrorRedirected ? null : new Timer(_ => Show(), null, Patience, Between);
    }

    /// <summary>Begins a piece of work of so many bytes (0: unknown).</summary>
    public IProgress<long> Begin(string what, long totalBytes)
    {
        lock (gate)
        {
            (this.what, done, total) = (what, 0, totalBytes);
            clock.Restart();
        }

        return new Receiver(this, what);
    }

    /// <summary>Wipes the line; there is none from then on.</summary>
    public void Dispose()
    {
        timer?.Dispose();
        lock (gate)
        {
            what = null;
            Overwrite("");
        }
    }

    private void Report(string work, long value)
    {
        lock (gate)
        {
            if (what == work)
            {
                done = value;
            }
        }
    }

    private void Show()
    {
        lock (gate)
        {
            if (what is not null)
            {
                int seconds = (int)clock.Elapsed.TotalSeconds;
                Overwrite(total == 0
                    ? seconds == 0 ? $"{what} …" : string.Create(CultureInfo.InvariantCulture, $"{what} … {seconds} s")
                    : string.Create(CultureInfo.InvariantCulture, $"{what} {100.0 * done / total:F0} % of {total / 1e6:F0} MB"));
            }
        }
    }

    private void Overwrite(string text)
    {
        if (text != shown)
        {
            Console.Error.Write("\r" + text.PadRight(shown.Length) + (text.Length == 0 ? "\r" : ""));
            shown = text;
        }
    }

    private sealed class Receiver(ProgressLine line, string what) : IProgress<long>
    {
        public void Report(long value) => line.Report(what, value);
    }
}

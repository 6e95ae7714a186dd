using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.Tool.Commands;

/// <summary>What <c>modelc bench</c> found, and how it tells it.</summary>
/// <param name="Model">The model's numbers.</param>
/// <param name="InstructionSet">What it ran with.</param>
/// <param name="Elsewhere">What ran it in place of the emitted code, or null.</param>
/// <param name="Threads">Of its steps, and of the peaks.</param>
/// <param name="Asked">The command line.</param>
/// <param name="Measured">The part of it that the context holds.</param>
/// <param name="Speed">The times.</param>
/// <param name="Peaks">The machine, measured between the repeats.</param>
/// <param name="Work">What the measured part cannot do without.</param>
/// <param name="Loading">From the cache of compiled models to a model that can be asked.</param>
/// <param name="FirstToken">The same to the logits of one token.</param>
/// <param name="ResidentBytes">The most memory of the process; 0: not known, or hidden by the compilation that this run began with.</param>
internal sealed record BenchReport(
    ModelDescription Model, InstructionSet InstructionSet, string? Elsewhere, int Threads, Workload Asked, Workload Measured, ModelSpeed Speed, MachinePeaks Peaks,
    ModelWork Work, TimeSpan Loading, TimeSpan FirstToken, long ResidentBytes)
{
    private double PromptFlopsPerSecond => (Speed.Prompt?.Median ?? 0) * Work.FlopsPerPromptToken;

    private double BytesPerStep => Model.BytesPerToken + (Measured.Batch * Work.CacheBytesPerToken);

    private double DecodeBytesPerSecond => Speed.Steps * BytesPerStep;

    /// <summary>What fits the last-level cache is not read from memory for every token.</summary>
    private bool IsInCache => Peaks.CacheReadBytesPerSecond > 0 && BytesPerStep <= ProcessorCache.LastLevelBytes;

    /// <summary>For people.</summary>
    public void WriteTable()
    {
        Console.WriteLine(Show(
            $"{Model.Family} {Model.Format}, cache {Model.Cache.Format}, {Elsewhere ?? InstructionSets.Name(InstructionSet)}, {Threads} threads; load {Loading.TotalMilliseconds:F1} ms, first token after {FirstToken.TotalMilliseconds:F1} ms"));
        string decode = Measured.Batch == 1 ? "decode" : Show($"decode, {Measured.Batch} sequences");
        (string What, string[] Found)[] columns =
        [
            .. Column("prompt", Speed.Prompt, PromptFlopsPerSecond, Peaks.FlopsPerSecond, "GFLOP/s", ""),
            .. Column(decode, Speed.Decode, DecodeBytesPerSecond, IsInCache ? Peaks.CacheReadBytesPerSecond : Peaks.ReadBytesPerSecond, "GB/s", IsInCache ? " (cache)" : ""),
        ];
        string[] rows = ["tokens", "tokens/s", "slowest", "fastest", "rate", "peak here", "of peak"];
        Output.Write(Output.Table(["", .. columns.Select(column => column.What)], rows.Select((row, i) => (string[])[row, .. columns.Select(column => column.Found[i])])));
        TellPassed();
        if (ResidentBytes > 0)
        {
            Console.WriteLine(
                $"memory: {Output.Bytes(ResidentBytes)} at most; packed weights {Output.Bytes(Model.WeightsLengthBytes)}, keys and values {Output.Bytes(Speed.CacheBytes)}, "
                + $"all else {Output.Bytes(Math.Max(0, ResidentBytes - Model.WeightsLengthBytes - Speed.CacheBytes))}");
        }

        TellCut("--prompt-length", Asked.PromptLength, Measured.PromptLength);
        TellCut("--gen-length", Asked.GenLength, Measured.GenLength);
    }

    /// <summary>For programs. Rates are 0 for what was not measured.</summary>
    public void WriteJson()
        => Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                version = typeof(BenchReport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion,
                runtime = RuntimeInformation.FrameworkDescription,
                family = Model.Family,
                weights = Model.Format,
                cache = Model.Cache.Format,
                instructionSet = InstructionSets.Name(InstructionSet),
                elsewhere = Elsewhere,
                threads = Threads,
                loadSeconds = Loading.TotalSeconds,
                firstTokenSeconds = FirstToken.TotalSeconds,
                bytesPerToken = Model.BytesPerToken,
                flopsPerToken = Work.FlopsPerPromptToken,
                cacheNumbersPerToken = Work.CacheNumbersPerToken,
                cacheBytesPerNumber = Work.CacheBytesPerNumber,
                contextLength = Model.ContextLength,
                askedPromptLength = Asked.PromptLength,
                askedGenLength = Asked.GenLength,
                askedDepth = Asked.Depth,
                depth = Measured.Depth,
                batch = Measured.Batch,
                prompt = Describe(Speed.Prompt),
                promptFlopsPerSecond = PromptFlopsPerSecond,
                decode = Describe(Speed.Decode),
                decodeBytesPerSecond = DecodeBytesPerSecond,
                peakFlopsPerSecond = Peaks.FlopsPerSecond,
                peakReadBytesPerSecond = Peaks.ReadBytesPerSecond,
                peakCacheReadBytesPerSecond = Peaks.CacheReadBytesPerSecond,
                weightsFitCache = IsInCache,
                residentBytes = ResidentBytes,
                weightsBytes = Model.WeightsLengthBytes,
                cacheBytes = Speed.CacheBytes,
            },
            Output.Json));

    /// <summary>None for what was not measured.</summary>
    private static IEnumerable<(string What, string[] Found)> Column(string what, Speed? speed, double rate, double peak, string unit, string note)
        => speed is null ? [] :
        [
            (what,
            [
                Show($"{speed.Tokens}"), Show($"{speed.Median:F1}"), Show($"{speed.Slowest:F1}"), Show($"{speed.Fastest:F1}"),
                Show($"{rate / 1e9:F2} {unit}"), Show($"{peak / 1e9:F2} {unit}{note}"), Show($"{100 * rate / peak:F1} %"),
            ]),
        ];

    /// <summary>More than there is needs a word.</summary>
    private void TellPassed()
    {
        if (Elsewhere is not null)
        {
            return; // the peaks are this processor's
        }

        if (Speed.Prompt is not null && Passes(PromptFlopsPerSecond, Peaks.FlopsPerSecond))
        {
            Console.WriteLine(Model.Format.Contains('q')
                ? "prompt above 100 %: the peak is that of float32 multiply-adds; q8 and q4 multiply small integers, more of them in the same time."
                : "prompt above 100 %: the machine was slower while its peak was measured.");
        }

        if (Speed.Decode is not null && !IsInCache && Passes(DecodeBytesPerSecond, Peaks.ReadBytesPerSecond))
        {
            Console.WriteLine("decode above 100 %: the last-level cache kept a part of what each token reads, or memory was faster in that second.");
        }
    }

    /// <summary>As the table rounds it.</summary>
    private static bool Passes(double rate, double peak) => Math.Round(100 * rate / peak, 1) > 100;

    /// <summary>Lengths that the context does not hold were cut: a reader must not take them for what was asked.</summary>
    private void TellCut(string option, int asked, int measured)
    {
        if (asked != measured)
        {
            Console.WriteLine($"{option} {asked} was cut to {measured}: the model's context holds {Model.ContextLength} tokens{(Measured.Depth > 0 ? ", --depth and what follows it together" : "")}.");
        }
    }

    private static object? Describe(Speed? speed)
        => speed is null ? null : new { tokens = speed.Tokens, tokensPerSecond = speed.Median, slowest = speed.Slowest, fastest = speed.Fastest };

    private static string Show(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;
using System.Text.Json;
using ModelCompiler.Compare.Inputs;
using ModelCompiler.Compare.Processes;

namespace ModelCompiler.Compare.Engines;

/// <summary>llama.cpp's own bench tool: <c>llama-bench -o json</c>.</summary>
/// <param name="llamaBench">The binary.</param>
/// <param name="ggufs">Where the GGUF files are.</param>
/// <param name="threads">For prompt and decode.</param>
internal sealed class LlamaBenchEngine(string llamaBench, string ggufs, int threads) : IEngine
{
    private static readonly TimeSpan MemoryWatch = TimeSpan.FromMilliseconds(100);

    /// <inheritdoc/>
    public string Name => "llama.cpp";

    /// <inheritdoc/>
    public string? FormatOf(SpeedPair pair)
    {
        // Files are called MODEL-FORMAT.gguf by habit, and FORMAT may have a dash; of another model what follows the last one, without any the whole name.
        string? name = pair.Gguf is null ? null : Path.GetFileNameWithoutExtension(pair.Gguf);
        string? format = name?.StartsWith(pair.Model + "-", StringComparison.Ordinal) == true ? name[(pair.Model.Length + 1)..] : name?[(name.LastIndexOf('-') + 1)..];
        return format is null || pair.GgufCache is null ? format : $"{format}, cache {pair.GgufCache}";
    }

    /// <inheritdoc/>
    public void Prepare(SpeedPair pair, CancellationToken cancellation)
    {
        if (!File.Exists(FileOf(pair)))
        {
            throw new CompareException($"{FileOf(pair)}: found no such file, expected a GGUF of the same shape as {pair.Model}, as llama.cpp's converter and llama-quantize write it.");
        }
    }

    /// <inheritdoc/>
    public Measured Measure(SpeedPair pair, Lengths lengths, CancellationToken cancellation)
    {
        string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
        List<string> arguments =
        [
            "-m", FileOf(pair), "-p", Number(lengths.Prompt), "-n", Number(lengths.Gen), "-d", Number(lengths.Depth), "-t", Number(threads),
            "-r", Number(pair.Repeat), "-o", "json",
        ];
        if (pair.GgufCache is not null)
        {
            arguments.AddRange(["-ctk", pair.GgufCache, "-ctv", pair.GgufCache]);
        }

        if (pair.FlashAttention is not null)
        {
            arguments.AddRange(["-fa", pair.FlashAttention]);
        }

        FinishedProgram run = new ChildProgram(llamaBench, arguments).Run(MemoryWatch, cancellation).Expect();
        try
        {
            return Read(run);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw run.Fault($"found output that cannot be read as llama-bench writes it ({fault.Message}), expected a JSON array of tests");
        }
    }

    private string FileOf(SpeedPair pair) => Path.Combine(ggufs, pair.Gguf!);

    private static Measured Read(FinishedProgram run)
    {
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement[] tests = [.. document.RootElement.EnumerateArray()];
        if (tests.Length == 0)
        {
            throw new FormatException("no tests");
        }

        long bytes = tests[0].GetProperty("model_size").GetInt64();
        return new(
            Median("n_prompt"), Median("n_gen"), bytes, bytes, BytesPerNumber(tests[0].GetProperty("type_k").GetString()), run.PeakResidentBytes,
            $"{tests[0].GetProperty("build_commit").GetString()} ({tests[0].GetProperty("backends").GetString()})", run.Command);

        double? Median(string length) => tests
            .Where(test => test.GetProperty(length).GetInt32() > 0)
            .Select(test => (double?)Statistics.Median(test.GetProperty("samples_ts").EnumerateArray().Select(sample => sample.GetDouble())))
            .FirstOrDefault();
    }

    /// <summary>Of a cache's format: blocks of 32 have a scale of two bytes, and those that end in 1 a least value, too.</summary>
    private static double BytesPerNumber(string? type) => type switch
    {
        "f32" => 4,
        "f16" or "bf16" => 2,
        "q8_0" => 34.0 / 32,
        "q5_1" => 24.0 / 32,
        "q5_0" => 22.0 / 32,
        "q4_1" => 20.0 / 32,
        "q4_0" or "iq4_nl" => 18.0 / 32,
        _ => throw new FormatException($"type_k {type}"),
    };
}

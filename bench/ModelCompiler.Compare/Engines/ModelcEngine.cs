using System.Globalization;
using System.Reflection;
using System.Text.Json;
using ModelCompiler.Compare.Inputs;
using ModelCompiler.Compare.Processes;

namespace ModelCompiler.Compare.Engines;

/// <summary>This project: <c>modelc bench --json</c>.</summary>
/// <param name="modelc">Program and first arguments that run modelc.</param>
/// <param name="models">Where the model folders are.</param>
/// <param name="threads">Of every step.</param>
/// <param name="provider">Runs the model by ONNX Runtime; null: the emitted code.</param>
internal sealed class ModelcEngine(IReadOnlyList<string> modelc, string models, int threads, string? provider = null) : IEngine
{
    /// <summary>Its column, and its name in result files.</summary>
    public const string EngineName = "ModelCompiler";

    /// <inheritdoc/>
    public string Name => EngineName;

    /// <inheritdoc/>
    public string? FormatOf(SpeedPair pair) => pair.Cache is null ? pair.Weights : $"{pair.Weights}, cache {pair.Cache}";

    /// <summary>Packs and compiles, so that no round begins with that.</summary>
    public void Prepare(SpeedPair pair, CancellationToken cancellation)
    {
        string folder = Path.Combine(models, pair.Model);
        if (!Directory.Exists(folder))
        {
            throw new CompareException($"{folder}: found no such folder, expected a model. For one with random weights: modelc synth {folder} --like NAME.");
        }

        Run(pair with { Repeat = 1 }, new Lengths(1, 1, 0), cancellation);
    }

    /// <inheritdoc/>
    public Measured Measure(SpeedPair pair, Lengths lengths, CancellationToken cancellation) => Run(pair, lengths, cancellation);

    private Measured Run(SpeedPair pair, Lengths lengths, CancellationToken cancellation)
    {
        string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
        List<string> arguments =
        [
            .. modelc.Skip(1), "bench", Path.Combine(models, pair.Model), "--weights", pair.Weights, "--threads", Number(threads),
            "--prompt-length", Number(lengths.Prompt), "--gen-length", Number(lengths.Gen), "--repeat", Number(pair.Repeat), "--json",
        ];
        if (provider is not null)
        {
            arguments.AddRange(["--provider", provider]);
        }

        if (lengths.Depth > 0)
        {
            arguments.AddRange(["--depth", Number(lengths.Depth)]);
        }

        if (pair.Cache is not null)
        {
            arguments.AddRange(["--cache", pair.Cache]);
        }

        FinishedProgram run = new ChildProgram(modelc[0], arguments).Run(watch: default, cancellation).Expect();
        try
        {
            return Read(run);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw run.Fault(
                VersionIn(run.Output) is { } theirs && theirs != OwnVersion
                    ? $"found the output of another build of modelc ({theirs}), which lacks what this program reads ({fault.Message}), expected that of {OwnVersion}; name a modelc.dll of that build by --modelc, or compare with the program of the other"
                    : $"found output that cannot be read as modelc bench writes it ({fault.Message}), expected its JSON");
        }
    }

    /// <summary>Of the modelc that was built with this program.</summary>
    private static string? OwnVersion { get; } = typeof(Tool.Commands.ModelcCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    private static string? VersionIn(string output)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(output);
            return document.RootElement.TryGetProperty("version", out JsonElement version) ? version.GetString() : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static Measured Read(FinishedProgram run)
    {
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement found = document.RootElement;
        bool cached = Property("weightsFitCache").GetBoolean();
        MachineShare machine = new(
            Property("peakFlopsPerSecond").GetDouble(),
            Property(cached ? "peakCacheReadBytesPerSecond" : "peakReadBytesPerSecond").GetDouble(),
            cached,
            Property("flopsPerToken").GetDouble(),
            Property("cacheNumbersPerToken").GetDouble(),
            Property("cacheBytes").GetInt64(),
            new(Tokens("prompt"), Tokens("decode"), Property("depth").GetInt32()));
        return new(
            Speed("prompt"), Speed("decode"), Property("weightsBytes").GetInt64(), Property("bytesPerToken").GetInt64(), Property("cacheBytesPerNumber").GetDouble(),
            Property("residentBytes").GetInt64(),
            $"{Property("version").GetString()?.Split('+')[0]}, {Property("runtime").GetString()} JIT, {Property("elsewhere").GetString() ?? Property("instructionSet").GetString()}",
            run.Command, machine);

        JsonElement Property(string name) => found.TryGetProperty(name, out JsonElement value) ? value : throw new KeyNotFoundException($"no {name}");
        double? Speed(string what) => Property(what) is { ValueKind: JsonValueKind.Object } speed ? speed.GetProperty("tokensPerSecond").GetDouble() : null;
        int Tokens(string what) => Property(what) is { ValueKind: JsonValueKind.Object } speed ? speed.GetProperty("tokens").GetInt32() : 0;
    }
}

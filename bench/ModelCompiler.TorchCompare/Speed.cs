using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ModelCompiler.Tool.Measurement;
using ModelCompiler.Tool.Synthesis;
using Spectre.Console;

namespace ModelCompiler.TorchCompare;

/// <summary>A shape and a batch to train it with.</summary>
/// <param name="Name">As the table shows it.</param>
/// <param name="Config">config.json.</param>
/// <param name="Sequences">Of a batch.</param>
/// <param name="Length">Tokens of a sequence.</param>
/// <param name="Vocab">Of the model.</param>
/// <param name="Steps">That count.</param>
/// <param name="Weights">Numbers of all matrices that a token is multiplied with, the head's too.</param>
/// <param name="Width">Layers × dim.</param>
/// <param name="ActivationBytes">What ModelCompiler may keep of activations, as <c>modelc train --memory</c>; 0: all.</param>
internal sealed record Workload(string Name, string Config, int Sequences, int Length, int Vocab, int Steps, long Weights, long Width, long ActivationBytes)
{
    /// <summary>Multiplications and additions: forward 2 for each weight, backward 4; attention to the half of the positions that are not later.</summary>
    public double FlopsPerToken => (6.0 * Weights) + (6.0 * Width * Length);
}

/// <summary>What one process measured.</summary>
/// <param name="TokensPerSecond">The median of the steps that count.</param>
/// <param name="PeakBytes">Most resident memory of the whole process.</param>
/// <param name="Steps">Tokens per second of every step, those to warm up too.</param>
internal sealed record Measured(double TokensPerSecond, long PeakBytes, IReadOnlyList<double> Steps);

/// <summary>Whole updates (forward, backward, clipping, AdamW) of both libraries, each in a process of its own, in turns.</summary>
internal static class Speed
{
    /// <summary>Steps of each engine that do not count: code is compiled and memory is touched for the first time.</summary>
    private const int WarmUpSteps = 3;

    private static readonly Workload[] Workloads =
    [
        new("GPT-2 124M, 4 × 64; ours recomputes to keep 64 MiB of activations", SyntheticConfigs.Published["gpt2-124m"], 4, 64, 50257, Steps: 4, Weights: 123_532_032, Width: 12 * 768, ActivationBytes: 64 << 20),
        new("Llama 11M, 8 × 256", """
            {
              "model_type": "llama", "hidden_size": 320, "intermediate_size": 864, "num_hidden_layers": 8, "num_attention_heads": 5,
              "num_key_value_heads": 5, "vocab_size": 4096, "max_position_embeddings": 256, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
              "hidden_act": "silu", "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2
            }
            """, 8, 256, 4096, Steps: 8, Weights: 11_223_040, Width: 8 * 320, ActivationBytes: 0),
    ];

    /// <summary>Measures in turns and prints the table.</summary>
    public static void Run(int threads, int rounds, string temporary)
    {
        Table table = new Table().AddColumns("model, batch", "", "ModelCompiler", "TorchSharp", "ratio", "ratios of the rounds");
        using PeakMeter meter = new(threads);
        foreach (Workload workload in Workloads)
        {
            string folder = Path.Combine(temporary, "speed-" + workload.Vocab);
            SyntheticModel.Write(folder, workload.Config, new SyntheticModelOptions());
            List<(Measured Ours, Measured Theirs)> results = [];
            for (int round = 0; round < rounds; round++)
            {
                meter.Sample(CancellationToken.None);
                bool oursFirst = round % 2 == 0;
                Measured first = Start(oursFirst, folder, workload, threads), second = Start(!oursFirst, folder, workload, threads);
                results.Add(oursFirst ? (first, second) : (second, first));
            }

            double[] ratios = [.. results.Select(result => result.Ours.TokensPerSecond / result.Theirs.TokensPerSecond).Order()];
            table.AddRow(
                workload.Name, "tokens/s", Text(Median(results.Select(result => result.Ours.TokensPerSecond)), "N0"), Text(Median(results.Select(result => result.Theirs.TokensPerSecond)), "N0"),
                Text(Median(ratios), "F2") + "×", $"{Text(ratios[0], "F2")}–{Text(ratios[^1], "F2")}");
            string Rate(double tokens) => $"{Text(tokens * workload.FlopsPerToken / 1e9, "F0")} ({Text(100 * tokens * workload.FlopsPerToken / meter.Peaks.FlopsPerSecond, "F0")} %)";
            table.AddRow(
                "", $"GFLOP/s (of {Text(meter.Peaks.FlopsPerSecond / 1e9, "F0")})", Rate(Median(results.Select(result => result.Ours.TokensPerSecond))), Rate(Median(results.Select(result => result.Theirs.TokensPerSecond))), "", "");
            double ours = results.Max(result => result.Ours.PeakBytes) / 1048576.0, theirs = results.Max(result => result.Theirs.PeakBytes) / 1048576.0;
            table.AddRow("", "peak MiB", Text(ours, "N0"), Text(theirs, "N0"), Text(ours / theirs, "F2") + "×", "");
        }

        AnsiConsole.Write(table);
    }

    /// <summary>The child's part: trains and writes what it measured as JSON.</summary>
    public static void Measure(bool ours, string folder, int sequences, int length, int vocab, int steps, int threads, long activationBytes)
    {
        using ITrainingEngine engine = ours ? new EmittedEngine(folder, threads, activationBytes == 0 ? new() : new() { MemoryBytes = activationBytes, Rows = sequences * length }) : new Torch.TorchEngine(folder, threads);
        List<double> speeds = [];
        for (int step = 0; step < WarmUpSteps + steps; step++)
        {
            Batch batch = Batch.Random(sequences, length, vocab, step);
            long begun = Stopwatch.GetTimestamp();
            double loss = engine.Step(batch);
            double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            if (!double.IsFinite(loss))
            {
                throw new InvalidOperationException($"Found a loss of {loss} at step {step}, expected a number.");
            }

            speeds.Add(sequences * length / seconds);
        }

        Console.WriteLine(JsonSerializer.Serialize(new Measured(Median(speeds.Skip(WarmUpSteps)), ResidentMemory.PeakBytes, speeds)));
    }

    private static Measured Start(bool ours, string folder, Workload workload, int threads)
    {
        string[] arguments =
        [
            "measure", ours ? "ours" : "theirs", folder, Text(workload.Sequences), Text(workload.Length), Text(workload.Vocab), Text(workload.Steps), Text(threads), workload.ActivationBytes.ToString(CultureInfo.InvariantCulture),
        ];
        ProcessStartInfo start = new(Environment.ProcessPath!, [Path.Combine(AppContext.BaseDirectory, "torch-compare.dll"), .. arguments]) { RedirectStandardOutput = true };
        if (!Path.GetFileNameWithoutExtension(start.FileName).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
        {
            start.ArgumentList.RemoveAt(0); // the program's own executable
        }

        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<Measured>(output)!
            : throw new InvalidOperationException($"'{string.Join(' ', arguments)}' ended with exit code {process.ExitCode}, expected 0.");
    }

    private static double Median(IEnumerable<double> numbers)
    {
        double[] sorted = [.. numbers.Order()];
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}

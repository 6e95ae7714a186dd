using System.Diagnostics;
using System.Text;
using System.Text.Json;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Measurement;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.BuildCost;

/// <summary>What the core needed in a process of its own, its start and its just-in-time compilation included.</summary>
internal sealed record CoreCost(double Seconds, long PeakBytes, int Files, long Bytes, int LargestFileBytes);

/// <summary>Plans and emits a shape once, and leaves the files that the compiler stages read.</summary>
internal static class CoreStage
{
    /// <summary>Folder of the emitted files.</summary>
    public const string Emitted = "emitted";

    private const string Model = "model";

    /// <summary>Runs in this process and writes what it cost to standard output.</summary>
    public static void Run(Shape shape, string weights, string folder)
    {
        TextFile config = new("config.json", shape.Config);
        ModelInputs inputs = new(Model, new ModelConfig(config), SyntheticTensors.Declare(shape.Config));
        List<ModelDiagnostic> diagnostics = [];
        long begun = Stopwatch.GetTimestamp();
        ModelPlan plan = ModelCompilation.Plan(inputs, new PlanOptions(weights), diagnostics)
            ?? throw new InvalidOperationException(diagnostics[0].Message);
        string hash = new('0', 64);
        EquatableArray<GeneratedFile> files = ModelCompilation.Emit(plan, new EmitOptions("Emitted", "Model", "public sealed", hash, "model.mcw", null));
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        long peak = ResidentMemory.PeakBytes;

        Directory.CreateDirectory(Path.Combine(folder, Emitted));
        foreach (GeneratedFile file in files)
        {
            File.WriteAllText(Path.Combine(folder, Emitted, file.HintName), file.Text);
        }

        File.WriteAllText(Path.Combine(folder, "config.json"), config.Text);
        ModelManifest manifest = new(Model, weights, "f32", "model.mcw", null, plan.Hash, hash, inputs.Tensors);
        File.WriteAllText(Path.Combine(folder, "model.manifest.json"), manifest.Write());
        int[] lengths = [.. files.Select(file => Encoding.UTF8.GetByteCount(file.Text))];
        Console.WriteLine(JsonSerializer.Serialize(new CoreCost(seconds, peak, files.Count, lengths.Sum(length => (long)length), lengths.Max())));
    }
}

using System.Runtime.InteropServices;
using Microsoft.CodeAnalysis;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Conformance.Native;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.EndToEnd.Tests.Training;
using ModelCompiler.Runtime;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Synthesis;

[assembly: AssemblyFixture(typeof(ModelCompiler.EndToEnd.Tests.Native.NativeProgram))]

namespace ModelCompiler.EndToEnd.Tests.Native;

/// <summary>
/// The program of tests/Conformance.Native over models of the theory. Compiled for the JIT or published with NativeAOT for this processor: a
/// selection of them, all families and formats, each turn of the kernels once. For Arm: all of them in all formats, for NEON; the selection
/// for portable vectors too. All read the same packed files. A sequence of the theory's longest length stands for the shorter ones: a token sees
/// only its past, and that a shorter prompt gives the same rows is a test of its own.
/// </summary>
public sealed class NativeProgram : IDisposable
{
    private static readonly (string Model, string Format)[] selection =
    [
        ("llama-biased", "f16"), ("mistral-window8", "f32"), ("qwen2-biased", "bf16"), ("qwen3-head24", "f16"), ("gpt2-untied", "bf16"),
        ("blocked-gpt2", "f32"), ("head80-group7", "f32"), ("head128-group4", "f32+bf16"), ("head128-group1", "f32+bf16"),
        ("qwen3-head24", "f32+q8"), ("head128-group4", "f32+q8"), ("head128-group1", "f32+q8"),
        ("llama-llama3", "q8"), ("gpt2-tied", "q4"),
    ];

    /// <summary>Trained too: whole models, and adapters over packed weights that stay as they are.</summary>
    private static readonly (string Model, AdapterOptions? Adapters, string Format)[] trained =
    [
        ("qwen3-head24", null, "f32"), ("gpt2-tied", null, "f32"), ("mistral-window8", new(2, 4, new(["q_proj", "o_proj", "down_proj"])), "q4"),
    ];

    private static readonly string runtimeAssembly = typeof(CompiledModel).Assembly.Location;

    private readonly ConformanceModels models;
    private readonly Lazy<IReadOnlyList<(string Name, EmittedTraining Model)>> trainings;
    private readonly TemporaryFolder temporary = new();
    private readonly Lazy<string> inputs;
    private readonly Lazy<string> emitted;
    private readonly Lazy<string> emittedForArm;
    private readonly Lazy<string> jit;
    private readonly Lazy<string> arm;
    private readonly Lazy<JitRun> older;
    private readonly Lazy<JitRun> here;

    public NativeProgram()
    {
        models = new();
        trainings = new(() => [.. trained.Select(chosen => (
            $"train_{EmittedModel.IdentifierOf(chosen.Model, chosen.Format)}",
            new EmittedTraining(chosen.Model, SyntheticConfigs.Small[chosen.Model], adapters: chosen.Adapters, weights: chosen.Format)))]);
        inputs = new(WriteInputs);
        emitted = new(() => Emit("emitted", selection, model => model.Files, [.. Engines.All]));
        emittedForArm = new(() => Emit("emitted-arm", ConformanceModels.Cases, EmitForArm, InstructionSet.Neon, InstructionSet.Portable));
        jit = new(CompileForJit);
        arm = new(() => Publish("linux-arm64", "", emittedForArm.Value));
        older = new(() => RunOnJit("jit-older", new() { ["DOTNET_EnableAVXVNNI"] = "0" }));
        here = new(() => RunOnJit("jit-here", []));
    }

    private static string ProjectFolder => Path.Combine(SharedData.RepositoryRoot, "tests", "Conformance.Native");

    /// <inheritdoc/>
    public void Dispose()
    {
        models.Dispose();
        foreach ((string _, EmittedTraining model) in trainings.IsValueCreated ? trainings.Value : [])
        {
            model.Dispose();
        }

        temporary.Dispose();
    }

    /// <summary>The program's assembly for the JIT; its folder has all that <c>dotnet exec</c> needs.</summary>
    internal string ForJit => jit.Value;

    /// <summary>A run on the JIT without the dot products of x86's younger processors.</summary>
    internal JitRun Older => older.Value;

    /// <summary>A run on the JIT with all that this processor has.</summary>
    internal JitRun Here => here.Value;

    /// <summary>Publishes with NativeAOT and returns the program. A warning of the trimmer or the native compiler fails it.</summary>
    internal string Publish(string runtimeIdentifier, string instructionSet) => Publish(runtimeIdentifier, instructionSet, emitted.Value);

    private string Publish(string runtimeIdentifier, string instructionSet, string models)
    {
        string folder = temporary.File($"{runtimeIdentifier}-{instructionSet}");
        List<string> arguments =
        [
            "publish", Path.Combine(ProjectFolder, "Conformance.Native.csproj"), "-c", "Release", "-r", runtimeIdentifier, "-o", Path.Combine(folder, "out"),
            $"-p:BuildFolder={folder}", $"-p:EmittedModels={models}", $"-p:RuntimeAssembly={runtimeAssembly}", "-nodeReuse:false",
        ];
        if (instructionSet.Length > 0)
        {
            arguments.Add($"-p:IlcInstructionSet={instructionSet}");
        }

        if (runtimeIdentifier == "linux-arm64" && RuntimeInformation.ProcessArchitecture != Architecture.Arm64)
        {
            arguments.AddRange(["-p:LinkerFlavor=lld", "-p:ObjCopyName=aarch64-linux-gnu-objcopy"]);
        }

        string output = ChildProcess.Run("dotnet", arguments);
        Assert.DoesNotContain("warning", output, StringComparison.OrdinalIgnoreCase);
        return Path.Combine(folder, "out", "Conformance.Native");
    }

    /// <summary>The program for Arm, published once.</summary>
    internal string PublishForArm() => arm.Value;

    /// <summary>Runs it; logits [tokens × vocab], or what a training gave, by model and instruction set.</summary>
    internal Dictionary<(string Model, InstructionSet Set), float[]> Run(string program, IEnumerable<string> arguments, Dictionary<string, string>? environment = null)
    {
        string outputs = Directory.CreateDirectory(temporary.File("outputs-" + Guid.NewGuid().ToString("n"))).FullName;
        ChildProcess.Run(program, [.. arguments, inputs.Value, outputs], environment);
        return Directory.GetFiles(outputs, "*.logits").ToDictionary(
            file => (Path.GetFileName(file).Split('.')[0], Enum.Parse<InstructionSet>(Path.GetFileName(file).Split('.')[1])),
            file => MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file)).ToArray());
    }

    /// <summary>What the models of the selection, or all of them, compute in this process.</summary>
    internal IEnumerable<(string Model, float[] Logits)> Expected(bool all = false)
    {
        foreach ((string model, string format) in all ? ConformanceModels.Cases : selection)
        {
            EmittedModel here = models.Get(model, format);
            yield return (here.Identifier, here.Logits(here.Tokens(ConformanceModels.LongestReference), Engines.Best));
        }
    }

    /// <summary>What the trainings give in this process.</summary>
    internal IEnumerable<(string Model, float[] Result)> ExpectedTrainings()
    {
        foreach ((string name, EmittedTraining here) in trainings.Value)
        {
            yield return (name, new ShortTraining(threads => here.Load(Engines.Best, threads), here.Parameters()).Run());
        }
    }

    /// <summary>Packed weights and tokens of all models.</summary>
    private string WriteInputs()
    {
        string folder = Directory.CreateDirectory(temporary.File("inputs")).FullName;
        foreach ((string name, string format) in ConformanceModels.Cases)
        {
            EmittedModel model = models.Get(name, format);
            File.Copy(model.WeightsPath, Path.Combine(folder, model.Identifier + ".mcw"));
            File.WriteAllBytes(Path.Combine(folder, model.Identifier + ".tokens"), MemoryMarshal.AsBytes<int>(model.Tokens(ConformanceModels.LongestReference)));
        }

        foreach ((string name, EmittedTraining model) in trainings.Value)
        {
            File.WriteAllBytes(Path.Combine(folder, name + ".parameters"), MemoryMarshal.AsBytes<float>(model.Parameters()));
            if (model.FrozenPath is { } frozen)
            {
                File.Copy(frozen, Path.Combine(folder, name + ".mcw"));
            }
        }

        return folder;
    }

    private static EquatableArray<GeneratedFile> EmitForArm(EmittedModel model)
        => selection.Any(chosen => model.Identifier == EmittedModel.IdentifierOf(chosen.Model, chosen.Format))
            ? model.Emit(InstructionSet.Neon, InstructionSet.Portable)
            : model.Emit(InstructionSet.Neon);

    /// <summary>Writes the C# of some models and returns its folder.</summary>
    private string Emit(string place, IEnumerable<(string Model, string Format)> cases, Func<EmittedModel, EquatableArray<GeneratedFile>> files, params InstructionSet[] trainingSets)
    {
        string folder = Directory.CreateDirectory(temporary.File(place)).FullName;
        List<string> entries = [];
        List<string> trainingEntries = [];
        foreach ((string name, string format) in cases)
        {
            EmittedModel model = models.Get(name, format);
            foreach (GeneratedFile file in files(model))
            {
                File.WriteAllText(Path.Combine(folder, $"{model.Identifier}.{file.HintName}"), file.Text);
            }

            entries.Add($"        (\"{model.Identifier}\", {model.FullClassName}.Load),");
        }

        foreach ((string name, EmittedTraining model) in trainings.Value)
        {
            string space = $"Emitted.{name}";
            foreach (GeneratedFile file in model.Emit(space, trainingSets))
            {
                File.WriteAllText(Path.Combine(folder, $"{name}.{file.HintName}"), file.Text);
            }

            trainingEntries.Add($"        (\"{name}\", {space}.Trainable.Create),");
        }

        File.WriteAllText(Path.Combine(folder, "EmittedModels.cs"), $$"""
            using System;
            using ModelCompiler.Runtime;
            using ModelCompiler.Runtime.Training;

            namespace ModelCompiler.Conformance.Native;

            internal static class EmittedModels
            {
                public static readonly (string Name, Func<LoadOptions, CompiledModel> Load)[] All =
                [
            {{string.Join('\n', entries)}}
                ];

                public static readonly (string Name, Func<TrainingLoadOptions, TrainableModel> Create)[] Trainings =
                [
            {{string.Join('\n', trainingEntries)}}
                ];
            }
            """);
        return folder;
    }

    /// <summary>Runs the program on the JIT, which writes down the tiles that it compiles.</summary>
    private JitRun RunOnJit(string name, Dictionary<string, string> environment)
    {
        string file = temporary.File(name + ".txt");
        environment["DOTNET_JitDisasm"] = "Tile* Cache*";
        environment["DOTNET_JitStdOutFile"] = file;
        environment["CONFORMANCE_THREADS"] = "1";
        Dictionary<(string Model, InstructionSet Set), float[]> results = Run("dotnet", ["exec", ForJit], environment);
        string[] parts = File.ReadAllText(file).Split("; Assembly listing for method ");
        Assert.True(parts.Length > 1, "the JIT wrote nothing down");
        return new(results, [.. parts.Skip(1).Select(part => (part[..part.IndexOf('\n')], part.Split('\n')[1..]))]);
    }

    private string CompileForJit()
    {
        string folder = Directory.CreateDirectory(temporary.File("jit")).FullName;
        IEnumerable<GeneratedFile> files = Directory.GetFiles(emitted.Value).Concat(Directory.GetFiles(ProjectFolder, "*.cs"))
            .Select(path => new GeneratedFile(Path.GetFileName(path), File.ReadAllText(path)));
        string program = Path.Combine(folder, "Conformance.Native.dll");
        File.WriteAllBytes(program, EmittedAssembly.Compile("Conformance.Native", files, OutputKind.ConsoleApplication));
        File.Copy(runtimeAssembly, Path.Combine(folder, Path.GetFileName(runtimeAssembly)));
        File.WriteAllText(Path.ChangeExtension(program, ".runtimeconfig.json"), $$"""
            { "runtimeOptions": {
                "tfm": "net10.0", "framework": { "name": "Microsoft.NETCore.App", "version": "{{Environment.Version}}" },
                "configProperties": { "System.Globalization.Invariant": true } } }
            """);
        return program;
    }
}

/// <summary>What a run of the program on the JIT gave, and every register tile as the JIT compiled it.</summary>
internal sealed record JitRun(Dictionary<(string Model, InstructionSet Set), float[]> Results, IReadOnlyList<(string Method, string[] Lines)> Tiles);

using System.Reflection;
using System.Runtime.Loader;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Emit;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Benchmarks.Kernels;

/// <summary>
/// A model of which only some stages are emitted: one kernel, in all layers, with the real weights, threads and operands. So a projection streams its
/// weights from memory as in the whole model, which a loop over one matrix would not. The last layer is left out: its later stages see fewer rows.
/// </summary>
internal sealed class KernelModel : IDisposable
{
    private const string ModelName = "model";
    private const string Space = "ModelCompiler.Benchmarks.Emitted";
    private const string ClassName = "KernelOnly";

    private KernelModel(CompiledModel model, ModelPlan plan, IReadOnlyList<Stage> stages)
    {
        Model = model;
        Plan = plan;
        Stages = stages;
    }

    /// <summary>Runs the stages, and nothing else; its logits mean nothing.</summary>
    public CompiledModel Model { get; }

    /// <summary>The whole model's.</summary>
    public ModelPlan Plan { get; }

    /// <summary>What a step runs.</summary>
    public IReadOnlyList<Stage> Stages { get; }

    /// <summary>Packs, emits and compiles.</summary>
    /// <param name="shape">That <c>modelc synth --like</c> knows.</param>
    /// <param name="formats">Of weights, keys and values.</param>
    /// <param name="choose">Of the stages of a layer, or of the head, those to keep.</param>
    public static KernelModel Open(string shape, PlanOptions formats, Func<IReadOnlyList<Stage>, IEnumerable<Stage>> choose)
    {
        string folder = BenchmarkModels.Folder(shape);
        string packed;
        using (HostedModel hosted = new ModelHost(folder, formats, (_, _) => new Progress<long>(), CancellationToken.None).Load(new LoadOptions()))
        {
            packed = hosted.WeightsPath;
        }

        using PlannedModel planned = PlannedModel.Open(folder, ModelName, formats);
        ModelPlan plan = planned.Plan;
        Stage[] stages = [.. plan.Stages.Where(stage => stage.Place.Layer < plan.Graph.Dimensions.Layers - 1).GroupBy(stage => stage.Place.Layer)
            .SelectMany(layer => choose([.. layer])).Select(stage => stage with { BarrierAfter = true })];
        string manifestPath = Path.ChangeExtension(packed, ".manifest.json");
        List<ModelDiagnostic> diagnostics = [];
        ModelManifest manifest = ModelManifest.Read(new TextFile(manifestPath, File.ReadAllText(manifestPath)), diagnostics)!;
        string instructionSet = Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported).Max().ToString();
        EmitOptions options = new(
            Space, ClassName, "public sealed", manifest.ContentHash, manifest.WeightsFile, manifest.EmbeddedResource, new([Enum.Parse<TargetSet>(instructionSet)]));
        string assembly = Path.Combine(BenchmarkModels.Root, $"{Guid.NewGuid():n}.dll");
        AssemblyCompiler.Compile(ClassName, ModelCompilation.Emit(plan with { Stages = stages.ToEquatable() }, options), assembly, CancellationToken.None);
        MethodInfo load = new AssemblyLoadContext(ClassName).LoadFromAssemblyPath(assembly).GetType($"{Space}.{ClassName}", throwOnError: true)!
            .GetMethod("Load", [typeof(LoadOptions)])!;
        return new(load.CreateDelegate<Func<LoadOptions, CompiledModel>>()(new LoadOptions { WeightsPath = packed }), plan, stages);
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}

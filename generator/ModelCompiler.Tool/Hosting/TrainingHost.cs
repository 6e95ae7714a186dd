using System.Reflection;
using System.Runtime.Loader;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Tool.Hosting;

/// <summary>
/// Gets a model ready for training without a project: plans, emits and compiles the very class that a build would emit, in memory. Where all of it is trained, it needs no weights: a config and
/// the declarations of its tensors say all.
/// </summary>
internal static class TrainingHost
{
    private const string Space = "ModelCompiler.Hosted";
    private const string ClassName = "HostedTrainable";

    /// <summary>Parameters and gradients are 0. The caller disposes of the model.</summary>
    /// <param name="inputs">Config and declared tensors.</param>
    /// <param name="planning">What activations may take.</param>
    /// <param name="loading">Threads and instruction set.</param>
    /// <param name="cancellation">Looked at between files.</param>
    /// <param name="weights">The packed weights that stay as they are, where adapters are trained; <paramref name="loading"/> says where they lie.</param>
    /// <exception cref="ModelFindingsException">The model cannot be compiled.</exception>
    /// <exception cref="TrainingMemoryException">Its activations do not fit into the memory that is allowed.</exception>
    /// <exception cref="PlatformNotSupportedException">This processor does not have the instruction set.</exception>
    public static TrainableModel Load(ModelInputs inputs, TrainingPlanOptions planning, TrainingLoadOptions loading, CancellationToken cancellation = default, TrainingWeights? weights = null)
    {
        InstructionSet chosen = HostInstructionSet.Choose(loading.InstructionSet);
        using MemoryStream assembly = Compile(inputs, planning, chosen, weights, cancellation);
        ReturnMemory();
        MethodInfo create = new AssemblyLoadContext(ClassName).LoadFromStream(assembly).GetType($"{Space}.{ClassName}", throwOnError: true)!.GetMethod("Create", [typeof(TrainingLoadOptions)])
            ?? throw new InvalidOperationException("the emitted class has no Create(TrainingLoadOptions)");
        return create.CreateDelegate<Func<TrainingLoadOptions, TrainableModel>>()(loading with { InstructionSet = chosen });
    }

    private static MemoryStream Compile(ModelInputs inputs, TrainingPlanOptions planning, InstructionSet chosen, TrainingWeights? weights, CancellationToken cancellation)
    {
        List<ModelDiagnostic> diagnostics = [];
        TrainingPlan plan = ModelCompilation.PlanTraining(inputs, planning, diagnostics) ?? throw new ModelFindingsException(diagnostics);
        TrainingEmitOptions emitting = new(Space, null, ClassName, Targets: new([Enum.Parse<TargetSet>(chosen.ToString())]), Weights: weights);
        MemoryStream assembly = new();
        AssemblyCompiler.Compile(ClassName, ModelCompilation.EmitTraining(plan, emitting, cancellation), assembly, cancellation);
        assembly.Position = 0;
        return assembly;
    }

    /// <summary>What the compiler took (some 100 MB, a part of it freed by finalizers) goes back to the system before training takes its own.</summary>
    private static void ReturnMemory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}

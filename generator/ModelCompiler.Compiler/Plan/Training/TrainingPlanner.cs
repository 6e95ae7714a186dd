using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>From the graph as mapped to the plan of its training step.</summary>
internal static class TrainingPlanner
{
    private static readonly FormatChoice F32 = new(F32Format.Instance, default);

    /// <summary>Plans the training of all parameters; as few layers are recomputed as the memory bound allows.</summary>
    /// <exception cref="TrainingMemoryException">Not even with all layers recomputed do the activations fit.</exception>
    public static TrainingPlan Plan(string name, ModelGraph graph, TrainingPlanOptions options, Action<string, ModelGraph>? afterPass = null)
    {
        ModelPlan model = ModelPlanner.Plan(name, graph, F32, F32Cache.Instance);
        long bytes = 0;
        for (int recomputed = 0; recomputed <= graph.Dimensions.Layers; recomputed++)
        {
            TrainingPlan plan = Plan(model, recomputed, afterPass);
            bytes = 4L * plan.Scratch.ArenaFloatsPerRow * options.Rows;
            if (bytes <= (options.MemoryBytes ?? long.MaxValue))
            {
                return plan;
            }
        }

        throw new TrainingMemoryException(options, bytes);
    }

    /// <summary>Plans it with so many layers recomputed.</summary>
    public static TrainingPlan Plan(string name, ModelGraph graph, int recomputedLayers) => Plan(ModelPlanner.Plan(name, graph, F32, F32Cache.Instance), recomputedLayers, null);

    private static TrainingPlan Plan(ModelPlan model, int recomputedLayers, Action<string, ModelGraph>? afterPass)
    {
        ModelGraph training = PassList.Run(PassList.Training(TrainedParameters.All, recomputedLayers), model.Graph, F32, afterPass);
        TrainingArena arena = TrainingArena.Plan(training);
        ParameterLayout layout = new(new WeightsPlanner(model.Weights), F32);
        EquatableArray<Stage> stages = new TrainingStagePlanner(training, layout, arena).Run();
        KernelPlan[] kernels = [.. stages.Select(stage => stage.Kernel).Distinct()];
        TrainingScratchPlan scratch = new(
            arena.FloatsPerRow,
            ArenaPlanner.Pad(kernels.Max(TrainingScratch.LocalFloats)),
            kernels.Max(TrainingScratch.FloatsPerRow),
            kernels.Max(TrainingScratch.FloatsPerPosition),
            kernels.OfType<HeadLossKernel>().Sum(loss => (long)loss.BlockRows * loss.VocabStride));
        return new TrainingPlan(model, training, stages, scratch, TrainedTensors.Of(model), recomputedLayers);
    }
}

/// <summary>A bound on memory that no choice of recomputed layers keeps.</summary>
public sealed class TrainingMemoryException(TrainingPlanOptions options, long leastBytes)
    : Exception($"Found a bound of {options.MemoryBytes:N0} bytes for the activations of {options.Rows:N0} tokens, expected at least {leastBytes:N0}, which they take when every layer is computed again. Allow more, or make the batch smaller.");

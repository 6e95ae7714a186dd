using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>From the graph as mapped to the plan of its training step.</summary>
internal static class TrainingPlanner
{
    /// <summary>Plans the training of all parameters, or of adapters; as few layers are recomputed as the memory bound allows.</summary>
    /// <exception cref="TrainingMemoryException">Not even with all layers recomputed do the activations fit.</exception>
    /// <exception cref="ArgumentException">A rank below 1, or a target that fits no product.</exception>
    public static TrainingPlan Plan(string name, ModelGraph graph, FormatChoice formats, TrainingPlanOptions options, Action<string, ModelGraph>? afterPass = null)
    {
        ModelPlan model = ModelPlanner.Plan(name, graph, formats, F32Cache.Instance);
        long bytes = 0;
        for (int recomputed = 0; recomputed <= graph.Dimensions.Layers; recomputed++)
        {
            TrainingPlan plan = Plan(model, formats, options.Adapters, recomputed, afterPass);
            bytes = 4L * plan.Scratch.ArenaFloatsPerRow * options.Rows;
            if (bytes <= (options.MemoryBytes ?? long.MaxValue))
            {
                return plan;
            }
        }

        throw new TrainingMemoryException(options, bytes);
    }

    /// <summary>Plans the training of all parameters with so many layers recomputed.</summary>
    public static TrainingPlan Plan(string name, ModelGraph graph, int recomputedLayers)
        => Plan(ModelPlanner.Plan(name, graph, ParameterMemory.F32, F32Cache.Instance), ParameterMemory.F32, null, recomputedLayers, null);

    private static TrainingPlan Plan(ModelPlan model, FormatChoice formats, AdapterOptions? adapters, int recomputedLayers, Action<string, ModelGraph>? afterPass)
    {
        TrainedParameters trained = adapters is null ? TrainedParameters.All : InsertAdapters.Adapters;
        ModelGraph mapped = adapters is null ? model.Graph : InsertAdapters.Apply(model.Graph, adapters);
        ModelGraph training = PassList.Run(PassList.Training(trained, recomputedLayers), mapped, formats, afterPass);
        TrainingArena arena = TrainingArena.Plan(training);
        ParameterLayout packed = new(new WeightsPlanner(model.Weights), formats);
        WeightsPlanner narrow = new();
        ParameterMemory memory = new(packed, adapters is null ? packed : new ParameterLayout(narrow, ParameterMemory.F32), trained.Contains);
        EquatableArray<Stage> stages = new TrainingStagePlanner(training, memory, arena).Run();
        KernelPlan[] kernels = [.. stages.Select(stage => stage.Kernel).Distinct()];
        TrainingScratchPlan scratch = new(
            arena.FloatsPerRow,
            ArenaPlanner.Pad(kernels.Max(TrainingScratch.LocalFloats)),
            kernels.Max(TrainingScratch.FloatsPerRow),
            kernels.Max(TrainingScratch.FloatsPerPosition),
            kernels.OfType<HeadLossKernel>().Sum(loss => (long)loss.BlockRows * loss.VocabStride));
        PackedWeights weights = adapters is null ? model.Weights : narrow.Finish();
        return new TrainingPlan(model, training, stages, scratch, weights, TrainedTensors.Of(weights, mapped), recomputedLayers, adapters);
    }
}

/// <summary>A bound on memory that no choice of recomputed layers keeps.</summary>
public sealed class TrainingMemoryException(TrainingPlanOptions options, long leastBytes)
    : Exception($"Found a bound of {options.MemoryBytes:N0} bytes for the activations of {options.Rows:N0} tokens, expected at least {leastBytes:N0}, which they take when every layer is computed again. Allow more, or make the batch smaller.");

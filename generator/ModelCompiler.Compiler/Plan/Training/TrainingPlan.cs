using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes.Training;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>What the user chose for training.</summary>
/// <param name="MemoryBytes">The most that activations and their gradients may take in a step of <paramref name="Rows"/> tokens; null: as much as they need when all are kept.</param>
/// <param name="Rows">Tokens of a step (sequences × length) that <paramref name="MemoryBytes"/> is meant for.</param>
/// <param name="Adapters">The low-rank adapters that are trained while the model is frozen; null: the model itself is trained.</param>
/// <param name="Weights">Formats of the frozen model, as <see cref="PlanOptions.Weights"/>; f32 where the model itself is trained.</param>
public sealed record TrainingPlanOptions(long? MemoryBytes = null, int Rows = 2048, AdapterOptions? Adapters = null, string Weights = "f32");

/// <summary>Every decision about the training step of a model, made.</summary>
/// <param name="Model">The model's inference: its graph, and the layout of its weights. In f32 where they are trained, else in the formats of the packed file that stays as it is.</param>
/// <param name="Graph">Forward operations, loss and gradients, fused.</param>
/// <param name="Stages">The program, in order.</param>
/// <param name="Scratch">Sizes of the scratch memory.</param>
/// <param name="Trained">Layout of what is trained: the model's own, or that of the adapters.</param>
/// <param name="Tensors">What is trained, by published tensors.</param>
/// <param name="RecomputedLayers">Layers whose activations are computed again instead of kept.</param>
/// <param name="Adapters">The adapters that are trained while the model is frozen; null: the model itself is trained.</param>
public sealed record TrainingPlan(
    ModelPlan Model, ModelGraph Graph, EquatableArray<Stage> Stages, TrainingScratchPlan Scratch,
    PackedWeights Trained, EquatableArray<TrainedTensor> Tensors, int RecomputedLayers, AdapterOptions? Adapters)
{
    /// <summary>SHA-256 of the layout of what is trained, lower-case hexadecimal.</summary>
    public string Hash { get; } = PlanHash.Of(Trained);

    /// <summary>SHA-256 of what the model computes, lower-case hexadecimal.</summary>
    public string ModelHash { get; } = GraphHash.Of(Model.Graph);

    /// <summary>Each shared body once, in the order of first use.</summary>
    public IEnumerable<KernelPlan> Kernels => Stages.Select(stage => stage.Kernel).Distinct();
}

/// <summary>Scratch memory of a training step, in floats.</summary>
/// <param name="ArenaFloatsPerRow">Shared: activations and gradients, for each row.</param>
/// <param name="LocalFloats">Each worker's.</param>
/// <param name="LocalFloatsPerRow">Each worker's, for each row.</param>
/// <param name="LocalFloatsPerPosition">Each worker's, for each position of a sequence, rounded up to 64; shares the memory of <paramref name="LocalFloatsPerRow"/>.</param>
/// <param name="LogitsFloats">The logits of a block of rows.</param>
public sealed record TrainingScratchPlan(int ArenaFloatsPerRow, int LocalFloats, int LocalFloatsPerRow, int LocalFloatsPerPosition, long LogitsFloats);

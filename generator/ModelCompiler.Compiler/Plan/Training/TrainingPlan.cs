using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>What the user chose for training.</summary>
/// <param name="MemoryBytes">The most that activations and their gradients may take in a step of <paramref name="Rows"/> tokens; null: as much as they need when all are kept.</param>
/// <param name="Rows">Tokens of a step (sequences × length) that <paramref name="MemoryBytes"/> is meant for.</param>
public sealed record TrainingPlanOptions(long? MemoryBytes = null, int Rows = 2048);

/// <summary>Every decision about the training step of a model, made.</summary>
/// <param name="Model">The model's inference in f32: its graph, and the layout of the parameters.</param>
/// <param name="Graph">Forward operations, loss and gradients, fused.</param>
/// <param name="Stages">The program, in order.</param>
/// <param name="Scratch">Sizes of the scratch memory.</param>
/// <param name="Tensors">What is trained, by published tensors.</param>
/// <param name="RecomputedLayers">Layers whose activations are computed again instead of kept.</param>
public sealed record TrainingPlan(
    ModelPlan Model, ModelGraph Graph, EquatableArray<Stage> Stages, TrainingScratchPlan Scratch,
    EquatableArray<TrainedTensor> Tensors, int RecomputedLayers)
{
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

using ModelCompiler.Runtime.Adapters;

namespace ModelCompiler.Runtime.Training;

/// <summary>The numbers of a trainable model: written by the compiler into the model's class, read by the runtime.</summary>
public sealed record TrainingDescription
{
    /// <summary>The model's name.</summary>
    public required string Name { get; init; }

    /// <summary>config.json's model_type.</summary>
    public required string Family { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Layers whose activations are computed again in the backward pass instead of kept.</summary>
    public required int RecomputedLayers { get; init; }

    /// <summary>Number of tokens that the model knows.</summary>
    public required int Vocab { get; init; }

    /// <summary>Largest number of positions.</summary>
    public required int ContextLength { get; init; }

    /// <summary>SHA-256 of the layout of the trained parameters, in lower-case hexadecimal: where the model itself is trained, that of the inference code in f32, which can read them as they lie.</summary>
    public required string PlanHash { get; init; }

    /// <summary>SHA-256 of what the model computes, in lower-case hexadecimal: two models of one layout may differ in a rotary base or an ε.</summary>
    public required string ModelHash { get; init; }

    /// <summary>Bytes of the trained parameters in that layout; of their gradients too.</summary>
    public required long ParametersLengthBytes { get; init; }

    /// <summary>Activations and their gradients, in floats for each token of a step.</summary>
    public required int ArenaFloatsPerRow { get; init; }

    /// <summary>Scratch of each worker, in floats.</summary>
    public required int LocalFloats { get; init; }

    /// <summary>Scratch of each worker, in floats for each token of a step.</summary>
    public required int LocalFloatsPerRow { get; init; }

    /// <summary>Scratch of each worker, in floats for each position of the step's sequences, rounded up to a multiple of 64.</summary>
    public required int LocalFloatsPerPosition { get; init; }

    /// <summary>Floats of the logits that exist at a time, of a block of rows.</summary>
    public required long LogitsFloats { get; init; }

    /// <summary>Rotary tables.</summary>
    public IReadOnlyList<RopeFrequencies> RopeTables { get; init; } = [];

    /// <summary>The instruction sets that were emitted, best first.</summary>
    public required IReadOnlyList<InstructionSet> InstructionSets { get; init; }

    /// <summary>The trained tensors as they are published, and where each of their numbers lies.</summary>
    public required IReadOnlyList<TrainingTensor> Tensors { get; init; }

    /// <summary>The adapters that are trained while the model is frozen; null: the model itself is trained.</summary>
    public AdapterSettings? Adapter { get; init; }

    /// <summary>The packed weights that stay as they are; null: there are none.</summary>
    public FrozenWeights? Frozen { get; init; }
}

/// <summary>Packed weights that a training reads and does not change.</summary>
/// <param name="File">Their file name.</param>
/// <param name="EmbeddedResource">The resource that holds them instead, or null.</param>
/// <param name="PlanHash">SHA-256 of their layout, in lower-case hexadecimal.</param>
/// <param name="ContentHash">SHA-256 of their content.</param>
/// <param name="LengthBytes">Length of the data section.</param>
public sealed record FrozenWeights(string File, string? EmbeddedResource, string PlanHash, string ContentHash, long LengthBytes);

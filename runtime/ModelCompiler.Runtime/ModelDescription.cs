using ModelCompiler.Runtime.Adapters;

namespace ModelCompiler.Runtime;

/// <summary>The numbers of a compiled model: written by the compiler into the model's class, read by the runtime.</summary>
public sealed record ModelDescription
{
    /// <summary>The model's name in the project file.</summary>
    public required string Name { get; init; }

    /// <summary>config.json's model_type.</summary>
    public required string Family { get; init; }

    /// <summary>Format of the weight matrices, such as <c>bf16</c>.</summary>
    public required string Format { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int Dim { get; init; }

    /// <summary>Width of the feed-forward network.</summary>
    public required int HiddenDim { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key/value heads.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Size of a head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Number of tokens that the model knows.</summary>
    public required int Vocab { get; init; }

    /// <summary>Floats between two rows of logits: at least Vocab, a multiple of 16.</summary>
    public required int VocabStride { get; init; }

    /// <summary>Largest number of positions.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Token that begins a text, or −1.</summary>
    public int BeginToken { get; init; } = -1;

    /// <summary>Tokens that end a text.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>File name of the packed weights.</summary>
    public required string WeightsFile { get; init; }

    /// <summary>Manifest resource that holds the packed weights in the model's assembly, or null when they are a file.</summary>
    public string? EmbeddedResource { get; init; }

    /// <summary>SHA-256 of the layout that the emitted code expects, in lower-case hexadecimal.</summary>
    public required string PlanHash { get; init; }

    /// <summary>SHA-256 of the packed data section followed by the packed tokenizer, in lower-case hexadecimal.</summary>
    public required string ContentHash { get; init; }

    /// <summary>Length of the packed data section.</summary>
    public required long WeightsLengthBytes { get; init; }

    /// <summary>Weight bytes that one decoded token reads.</summary>
    public required long BytesPerToken { get; init; }

    /// <summary>Most rows in one step; a longer prompt is cut into steps.</summary>
    public required int MaxRows { get; init; }

    /// <summary>Shared scratch, in floats for each row of the arena.</summary>
    public required int ArenaFloatsPerRow { get; init; }

    /// <summary>Scratch of each worker, in floats.</summary>
    public required int LocalFloats { get; init; }

    /// <summary>Scratch of each worker, in floats for each row of the arena.</summary>
    public required int LocalFloatsPerRow { get; init; }

    /// <summary>How keys and values lie in a page of the cache.</summary>
    public required CacheLayout Cache { get; init; }

    /// <summary>Most positions of a sequence that attention takes through its cache together.</summary>
    public required int AttentionPositions { get; init; }

    /// <summary>Rotary tables.</summary>
    public IReadOnlyList<RopeFrequencies> RopeTables { get; init; } = [];

    /// <summary>The class was compiled with Trace: it can be looked into.</summary>
    public bool CanTrace { get; init; }

    /// <summary>The instruction sets that were emitted, best first.</summary>
    public required IReadOnlyList<InstructionSet> InstructionSets { get; init; }

    /// <summary>The adapters that the class was compiled with; null: none.</summary>
    public AdapterLayout? Adapter { get; init; }
}

/// <summary>Radians per position for each pair of a rotary embedding, and the factor that cos and sin are multiplied with.</summary>
public sealed record RopeFrequencies(IReadOnlyList<double> InverseFrequencies, double AttentionFactor = 1);

/// <summary>The instruction sets that code is emitted for.</summary>
public enum InstructionSet
{
    /// <summary>128-bit vectors through the portable API: any processor.</summary>
    Portable,

    /// <summary>Arm Advanced SIMD.</summary>
    Neon,

    /// <summary>AVX2 with FMA.</summary>
    Avx2,

    /// <summary>AVX-512 F, BW, DQ, VL.</summary>
    Avx512,
}

using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// A body of emitted code: everything that is a constant in it. Stages of the same constants share one body, whatever
/// their layer; what differs (where activations and weights lie) they pass as arguments. All widths are in floats and padded to
/// multiples of 16 unless said otherwise.
/// </summary>
public abstract record KernelPlan(string Name);

/// <summary>x[r] = (table column token[r] + position row) · factor. <paramref name="TableInputs"/>: Width as the table's format pads it.</summary>
public sealed record EmbedKernel(
    string Name, WeightFormat Format, int Width, int TableInputs, int PaddedOutputs, int OutStride, bool HasPositions, int PositionOffset, double Factor)
    : KernelPlan(Name);

/// <summary>
/// Normalises rows of <paramref name="Width"/> numbers (unpadded). <paramref name="Selected"/>: the rows are those whose logits are
/// asked for. A step of one row is computed by every worker for itself, into its local scratch: dearer in instructions, cheaper than
/// a barrier; the kernel therefore keeps its own barrier, for the other steps.
/// </summary>
public sealed record NormKernel(
    string Name, NormKind Kind, int Width, int PaddedWidth, int InStride, int OutStride, double Epsilon, bool HasWeight, bool HasBias,
    bool Selected) : KernelPlan(Name);

/// <summary>
/// Rows of <paramref name="Width"/> numbers as integers with a scale for each group, laid out as the kernels of <paramref name="Format"/> read them. Keeps its
/// own barrier, as <see cref="NormKernel"/> does, and for the same reason.
/// </summary>
public sealed record QuantiseKernel(string Name, BlockFormat Format, int Width, int InStride, int OutStride, bool Selected) : KernelPlan(Name);

/// <summary>
/// y = f(W·x + b) (+ residual), or f(Wg·x) · (Wu·x) when gated. The inner dimension is cut into <paramref name="InputBlocks"/> equal
/// blocks so that a panel's block stays in the L2 cache while all rows pass over it. Where the format unpacks, <paramref name="UnpackOffset"/> is
/// the place in a worker's local scratch, in floats, where many rows find such a block as float32. Not gated, it reads part <paramref name="Part"/> of a matrix of
/// <paramref name="Parts"/> parts, whose panels alternate.
/// </summary>
public sealed record LinearKernel(
    string Name, WeightFormat Format, int Inputs, int Outputs, int InputBlocks, int InStride, int OutStride, int ResidualStride, bool HasBias,
    bool HasResidual, ActivationKind? Activation, bool Gated, bool ToLogits, int? UnpackOffset = null, int Parts = 1, int Part = 0) : KernelPlan(Name)
{
    /// <summary>Floats of scratch behind <see cref="UnpackOffset"/>: a block of a panel, and of the up panel where both are passed over together.</summary>
    public int UnpackFloats => UnpackOffset is null ? 0 : (Gated && InputBlocks == 1 ? 2 : 1) * BlockInputs * Math.Min(Format.PanelColumns, Outputs);

    /// <summary>Whether anything follows the product.</summary>
    public bool HasEpilogue => HasBias || HasResidual || Activation is not null || Gated;

    /// <summary>Outputs of the narrow last panel; 0 when all are full.</summary>
    public int TailColumns => Outputs % Format.PanelColumns;

    /// <summary>Panels of one part.</summary>
    public int Panels => (Outputs + Format.PanelColumns - 1) / Format.PanelColumns;

    /// <summary>Inputs of a block.</summary>
    public int BlockInputs => Inputs / InputBlocks;
}

/// <summary>Per-head RMS norm inside attention.</summary>
public sealed record HeadNormPlan(double Epsilon, bool HasWeight);

/// <summary>
/// Attention over the paged cache, with the preparation of q and k. Strides are those of the rows that hold q, k, v.
/// <paramref name="Block"/>: what a page holds for a key/value head; its padded size separates heads, in floats.
/// </summary>
public sealed record AttentionKernel(
    string Name, int Heads, int KvHeads, int HeadDim, CacheBlock Block, int QueryStride, int KeyStride, int ValueStride, int OutStride,
    double ScoreScale, int? Window, double? SoftCap, HeadNormPlan? QueryNorm, HeadNormPlan? KeyNorm, int? RopeTable, int RotatedPairs)
    : KernelPlan(Name)
{
    /// <summary>Query heads that share a key/value head.</summary>
    public int Group => Heads / KvHeads;

    /// <summary>Floats from a head to the next.</summary>
    public int PaddedHeadDim => Block.HeadDim;

    /// <summary>Its part of local scratch.</summary>
    public AttentionScratch Scratch => new(Block, Group);
}

/// <summary>What an <see cref="ElementwiseKernel"/> computes.</summary>
public enum ElementwiseKind
{
    Add,
    Multiply,
    Scale,
    Activation,
    SoftCap,
}

/// <summary>An operation of the graph that no pass fused into a neighbour: y = a + b, a · b, a · factor, f(a), cap · tanh(a / cap).</summary>
public sealed record ElementwiseKernel(
    string Name, ElementwiseKind Kind, int Width, int LeftStride, int RightStride, int OutStride, double Constant, ActivationKind? Activation)
    : KernelPlan(Name);

/// <summary>A body that writes the memory of a trace and nothing that other stages read: it may be slow, and runs only where a step is traced.</summary>
public abstract record TapKernel(string Name) : KernelPlan(Name);

/// <summary>Keeps rows of <paramref name="Width"/> numbers (unpadded) as a state.</summary>
public sealed record StateTapKernel(string Name, int Width, int InStride) : TapKernel(Name);

/// <summary>Keeps rows of <paramref name="Width"/> numbers (as padded) as a product is about to round them.</summary>
public sealed record InputTapKernel(string Name, int Width, int InStride) : TapKernel(Name);

/// <summary>x = states of another step, <paramref name="Width"/> numbers each, padded with zeros.</summary>
public sealed record GivenStatesKernel(string Name, int Width, int PaddedWidth, int OutStride) : KernelPlan(Name);

/// <summary>Computes the weights of an attention that has just run once more, from its prepared queries and the cached keys, and keeps them.</summary>
public sealed record AttentionTapKernel(string Name, AttentionKernel Attention) : TapKernel(Name);

/// <summary>How many rows a worker claims at once where the work of a row is small.</summary>
public static class RowGrain
{
    /// <summary>Norms and element-by-element work: a few hundred nanoseconds a row.</summary>
    public const int Elementwise = 8;

    /// <summary>Table lookups: dearer rows.</summary>
    public const int Lookup = 4;

    /// <summary>Keys on their way to the cache: as many positions as a line of it holds of one element.</summary>
    public const int CacheStore = 16;
}

using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan.Training;

// Bodies of the emitted training step, besides those of inference that it shares (EmbedKernel, LinearKernel, ElementwiseKernel). Operands of a
// stage are in the order in which the summaries name them; strides are floats between rows, widths are padded to multiples of 16 unless
// said otherwise. A step has Worker.Rows tokens in Worker.SliceCount sequences. No body ends with a barrier of its own, unless its summary says so:
// the plan puts them where a stage reads what other workers wrote.

/// <summary>y = norm(x), every row, each of <paramref name="Groups"/> parts of <paramref name="Width"/> numbers (unpadded; <paramref name="GroupStride"/> apart) by itself. x, y; gain, bias.</summary>
public sealed record RowNormKernel(
    string Name, NormKind Kind, int Groups, int Width, int GroupStride, int InStride, int OutStride, double Epsilon, bool HasWeight, bool HasBias) : KernelPlan(Name);

/// <summary>
/// dx = norm'(x) · dy (+ residual), and for each row and group its statistics (mean, 1/σ) for <see cref="NormParameterGradientKernel"/>.
/// x, dy[, residual], dx, statistics; gain. dx may be dy or residual. statistics: [rows × StatisticsStride], group g at 2·g.
/// Without <paramref name="HasOutput"/> the statistics alone (x, statistics): where x leads to no trained parameter.
/// </summary>
public sealed record NormGradientKernel(
    string Name, NormKind Kind, int Groups, int Width, int GroupStride, int InStride, int GradientStride, int ResidualStride, int OutStride, int StatisticsStride,
    double Epsilon, bool HasWeight, bool HasResidual, bool HasOutput = true) : KernelPlan(Name);

/// <summary>dgain += Σ dy · n, dbias += Σ dy: columns are claimed, rows added in order, groups in order within a row. x, dy, statistics; dgain, dbias.</summary>
public sealed record NormParameterGradientKernel(
    string Name, NormKind Kind, int Groups, int Width, int GroupStride, int InStride, int GradientStride, int StatisticsStride, bool HasWeight, bool HasBias) : KernelPlan(Name);

/// <summary>Turns the heads of each row by its position, or back (<paramref name="Backward"/>). x, y, which may be the same.</summary>
public sealed record RotateKernel(string Name, int Heads, int HeadDim, int HeadStride, int InStride, int OutStride, int RopeTable, int Pairs, bool Backward) : KernelPlan(Name);

/// <summary>
/// Attention within each sequence of the step, without a cache: items are sequences × key/value heads. q, k, v, y. Heads are <paramref name="HeadStride"/> floats apart.
/// </summary>
public sealed record TrainingAttentionKernel(
    string Name, int Heads, int KvHeads, int HeadDim, int HeadStride, int QueryStride, int KeyStride, int ValueStride, int OutStride, double ScoreScale,
    int? Window, double? SoftCap) : KernelPlan(Name);

/// <summary>Its gradients, from scores computed again; dk and dv are sums over the group's query heads, in order. q, k, v, dy, dq, dk, dv. Same items.</summary>
public sealed record AttentionGradientKernel(
    string Name, int Heads, int KvHeads, int HeadDim, int HeadStride, int QueryStride, int KeyStride, int ValueStride, int GradientStride, int QueryGradientStride,
    int KeyGradientStride, int ValueGradientStride, double ScoreScale, int? Window, double? SoftCap) : KernelPlan(Name);

/// <summary>hidden = f(gate) · up with gate and up kept, from alternating panels as <see cref="LinearKernel.Gated"/> has them. x, hidden, gate, up; panels, bias (gate's, then up's).</summary>
public sealed record KeptGateKernel(
    string Name, WeightFormat Format, int Inputs, int Outputs, int InputBlocks, int InStride, int OutStride, int GateStride, int UpStride, bool HasBias, ActivationKind Activation)
    : KernelPlan(Name);

/// <summary>dx = dy · f'(x), or dy · (1 − tanh²(x / cap)) where <paramref name="Activation"/> is null. x, dy, dx. dx may be dy.</summary>
public sealed record ActivationGradientKernel(
    string Name, ActivationKind? Activation, double Cap, int Width, int InStride, int GradientStride, int OutStride) : KernelPlan(Name);

/// <summary>
/// dx = dy · W (+ residual). dy: [rows × Outputs], the matrix's padded outputs in the order of memory (two parts: gate's, then up's). Blocks of 64 inputs of W are
/// transposed (and decoded) into the worker's scratch, <paramref name="OutputBlock"/> outputs at a time, and rows pass over them as over a panel. dy[, residual], dx; panels.
/// dx may be residual. With a <paramref name="Gate"/> dx is dh, which stays in the worker's scratch, and dgate is written in its place: dy[, residual], gate, up, dgate, dup; panels.
/// </summary>
public sealed record InputGradientKernel(
    string Name, WeightFormat Format, int Parts, int Inputs, int PartOutputs, int OutputBlock, int GradientStride, int ResidualStride, int OutStride, bool HasResidual,
    GateGradientPlan? Gate = null)
    : KernelPlan(Name)
{
    /// <summary>Where the panels lie.</summary>
    public PanelLayout Layout => new(Format, Parts, Inputs, PartOutputs);

    /// <summary>Panels of a block of outputs.</summary>
    public int BlockPanels => OutputBlock / Layout.Columns;

    /// <summary>Whether all outputs are one block. Otherwise dx is summed over the blocks: in its own place, or, with a gate, in the worker's scratch.</summary>
    public bool IsWhole => BlockPanels >= Layout.Panels;
}

/// <summary>dgate = dh · up · f'(gate), dup = dh · f(gate), of each tile of dh. dgate and dup may be gate and up.</summary>
public sealed record GateGradientPlan(ActivationKind Activation, int GateStride, int UpStride, int UpGradientStride);

/// <summary>
/// dW += dyᵀ · x into float32 panels laid out as the weights are, and db += Σ dy. Items are panels × blocks of <paramref name="InputBlock"/> inputs; rows in order.
/// x, dy; dpanels, dbias.
/// </summary>
public sealed record WeightGradientKernel(
    string Name, int Parts, int Inputs, int PartOutputs, int InputBlock, int InStride, int GradientStride, bool HasWeight, bool HasBias) : KernelPlan(Name);

/// <summary>
/// Head, loss and their gradients for blocks of <paramref name="BlockRows"/> rows, logits in the step's own memory (Worker.Logits: [BlockRows × VocabStride]), losses to Worker.Losses. Has barriers of
/// its own, the last one behind everything. Where Worker.LossOnly, losses only. x, dx where <paramref name="HasInputGradient"/> (not the place of x); panels; dpanels where <paramref name="Trained"/>.
/// <paramref name="InputBlocks"/>: as <see cref="LinearKernel"/>'s, of the logits.
/// </summary>
public sealed record HeadLossKernel(
    string Name, WeightFormat Format, int Inputs, int Vocab, int VocabStride, int BlockRows, int InputBlocks, int OutputBlock, int InStride, int OutStride, bool HasInputGradient, bool Trained)
    : KernelPlan(Name);

/// <summary>dtable[token] += dy · factor, into float32 panels; blocks of columns are claimed, rows added in order. dy; dtable.</summary>
public sealed record EmbeddingGradientKernel(string Name, int Width, int TableInputs, int PaddedOutputs, int GradientStride, double Factor) : KernelPlan(Name);

/// <summary>dpositions[position + offset] += dy, rows in order. dy; dpositions [positions × Width].</summary>
public sealed record PositionGradientKernel(string Name, int Width, int Offset, int GradientStride) : KernelPlan(Name);

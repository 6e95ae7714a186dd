using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>The methods that only a training step calls.</summary>
internal static class TrainingKernelWriter
{
    /// <summary>Parameter list of a shared body.</summary>
    public static string Parameters(KernelPlan kernel) => kernel switch
    {
        RowNormKernel norm => RowNormWriter.Parameters(norm),
        NormGradientKernel norm => NormGradientWriter.Parameters(norm),
        NormParameterGradientKernel norm => NormParameterGradientWriter.Parameters(norm),
        RotateKernel => RotateWriter.Parameters,
        TrainingAttentionKernel => TrainingAttentionWriter.Parameters,
        AttentionGradientKernel => AttentionGradientWriter.Parameters,
        HeadLossKernel head => HeadLossWriter.Parameters(head),
        KeptGateKernel gate => KeptGateWriter.Parameters(gate),
        ActivationGradientKernel => ActivationGradientWriter.Parameters,
        EmbeddingGradientKernel => EmbeddingGradientWriter.Parameters,
        PositionGradientKernel => PositionGradientWriter.Parameters,
        InputGradientKernel input => InputGradientWriter.Parameters(input),
        WeightGradientKernel weight => WeightGradientWriter.Parameters(weight),
        _ => throw new ArgumentOutOfRangeException(nameof(kernel), kernel.GetType().Name, "No writer for this kernel."),
    };

    /// <summary>What a shared body computes, with its shapes.</summary>
    public static string Describe(KernelPlan kernel) => kernel switch
    {
        RowNormKernel k => $"y[rows × {Groups(k.Groups)}{k.Width}] = {Name(k.Kind)} norm of x, row by row.",
        NormGradientKernel k => k.HasOutput
            ? $"dx[rows × {Groups(k.Groups)}{k.Width}] = {(k.HasResidual ? "residual + " : "")}dy · ∂{Name(k.Kind)} norm / ∂x; and each row's mean and 1/σ."
            : $"The mean and 1/σ of each row of x[rows × {Groups(k.Groups)}{k.Width}].",
        NormParameterGradientKernel k => $"{(k.HasWeight ? $"dgain[{k.Width}] += Σ dy · n" : "")}{(k.HasWeight && k.HasBias ? "; " : "")}{(k.HasBias ? $"dbias[{k.Width}] += Σ dy" : "")}.",
        RotateKernel k => $"y[rows × {k.Heads} · {k.HeadDim}] = the heads of x turned {(k.Backward ? "back " : "")}by their positions.",
        TrainingAttentionKernel k => $"y[rows × {k.Heads} · {k.HeadDim}] = attention of {k.Heads} heads over {k.KvHeads} key/value heads within each sequence{(k.Window is { } window ? $", the last {window} positions" : "")}.",
        AttentionGradientKernel k => $"dq[rows × {k.Heads} · {k.HeadDim}], dk and dv[rows × {k.KvHeads} · {k.HeadDim}] of attention within each sequence, from dy.",
        HeadLossKernel k => $"Losses of {k.Vocab} logits, {k.BlockRows} rows at a time{(k.HasInputGradient ? $"; dx[rows × {k.Inputs}] = dlogits · W" : "")}{(k.Trained ? "; dW += dlogitsᵀ · x" : "")}.",
        KeptGateKernel k => $"hidden[rows × {k.Outputs}] = {k.Activation}(gate) · up, gate = Wg · x, up = Wu · x, all kept.",
        ActivationGradientKernel k => $"dx[rows × {k.Width}] = dy · {(k.Activation is { } f ? $"{f}'(x)" : $"(1 − tanh²(x / {Literals.Float(k.Cap)}))")}.",
        EmbeddingGradientKernel k => $"dtable[token] += dy[rows × {k.Width}]{(k.Factor == 1 ? "" : $" · {Literals.Float(k.Factor)}")}.",
        PositionGradientKernel k => $"dpositions[position] += dy[rows × {k.Width}].",
        InputGradientKernel k => $"{(k.Gate is { } gate ? $"dgate = dh · up · {gate.Activation}'(gate), dup = dh · {gate.Activation}(gate); dh" : "dx")}[rows × {k.Inputs}] = {(k.HasResidual ? "residual + " : "")}dy[rows × {k.Parts * k.PartOutputs}] · W, {k.Format.Name} panels turned {Math.Min(k.OutputBlock, k.Parts * k.PartOutputs)} outputs at a time.",
        WeightGradientKernel k => $"{(k.HasWeight ? $"dW[{k.Parts * k.PartOutputs} × {k.Inputs}] += dyᵀ · x, {k.InputBlock} inputs at a time" : "")}{(k.HasWeight && k.HasBias ? "; " : "")}{(k.HasBias ? $"db[{k.Parts * k.PartOutputs}] += Σ dy" : "")}.",
        _ => kernel.Name,
    };

    private static string Groups(int groups) => groups == 1 ? "" : $"{groups} · ";

    private static string Name(NormKind kind) => kind == NormKind.Rms ? "RMS" : "layer";

    public static void Write(KernelSet set, SourceWriter writer, KernelPlan kernel)
    {
        switch (kernel)
        {
            case RowNormKernel norm: RowNormWriter.Write(set, writer, norm); break;
            case NormGradientKernel norm: NormGradientWriter.Write(set, writer, norm); break;
            case NormParameterGradientKernel norm: NormParameterGradientWriter.Write(set, writer, norm); break;
            case RotateKernel rotate: RotateWriter.Write(set, writer, rotate); break;
            case TrainingAttentionKernel attention: TrainingAttentionWriter.Write(set, writer, attention); break;
            case AttentionGradientKernel attention: AttentionGradientWriter.Write(set, writer, attention); break;
            case HeadLossKernel head: HeadLossWriter.Write(set, writer, head); break;
            case KeptGateKernel gate: KeptGateWriter.Write(set, writer, gate); break;
            case ActivationGradientKernel activation: ActivationGradientWriter.Write(set, writer, activation); break;
            case EmbeddingGradientKernel embedding: EmbeddingGradientWriter.Write(set, writer, embedding); break;
            case PositionGradientKernel position: PositionGradientWriter.Write(set, writer, position); break;
            case InputGradientKernel input: InputGradientWriter.Write(set, writer, input); break;
            case WeightGradientKernel weight: WeightGradientWriter.Write(set, writer, weight); break;
            default: throw new ArgumentOutOfRangeException(nameof(kernel), kernel.GetType().Name, "No writer for this kernel.");
        }
    }
}

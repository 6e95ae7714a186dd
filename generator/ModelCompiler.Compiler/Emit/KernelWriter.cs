using ModelCompiler.Compiler.Emit.Kernels;
using ModelCompiler.Compiler.Emit.Kernels.Training;
using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit;

/// <summary>The methods that layers call: as an interface, and once for each instruction set.</summary>
internal static class KernelWriter
{
    /// <summary>Parameter list of a shared body.</summary>
    public static string Parameters(KernelPlan kernel) => kernel switch
    {
        EmbedKernel embed => EmbedWriter.Parameters(embed),
        NormKernel norm => NormWriter.Parameters(norm),
        QuantiseKernel => QuantiseWriter.Parameters,
        LinearKernel linear => LinearWriter.Parameters(linear),
        AttentionKernel attention => AttentionWriter.Parameters(attention),
        ElementwiseKernel elementwise => ElementwiseWriter.Parameters(elementwise),
        TapKernel or GivenStatesKernel => TapWriter.Parameters(kernel),
        _ => TrainingKernelWriter.Parameters(kernel),
    };

    /// <summary>Writes all kernels of a plan for an instruction set.</summary>
    public static KernelSet Write(IEnumerable<KernelPlan> kernels, VectorTarget target, CancellationToken cancellation)
    {
        KernelSet set = new(target);
        foreach (KernelPlan kernel in kernels)
        {
            cancellation.ThrowIfCancellationRequested();
            set.Require(KernelFile.Kernels, kernel.Name, writer =>
            {
                writer.Line($"/// <summary>{Literals.Documentation(Describe(kernel, target.Set))}</summary>");
                Write(set, writer, kernel);
            });
        }

        return set;
    }

    /// <summary>What a shared body computes, with its shapes.</summary>
    public static string Describe(KernelPlan kernel, TargetSet? target = null) => kernel switch
    {
        EmbedKernel embed => $"y[rows × {embed.Width}] = the tokens' columns of the table{(embed.HasPositions ? " + their positions' rows" : "")}.",
        NormKernel norm => $"y[rows × {norm.Width}] = {(norm.Kind == NormKind.Rms ? "RMS" : "layer")} norm of x, row by row{(norm.Selected ? ", of the rows whose logits are asked for" : "")}.",
        QuantiseKernel quantise => $"y[rows × {quantise.Width}] = x as 8-bit integers, a scale for each group of {BlockFormat.GroupInputs}{(quantise.Selected ? ", of the rows whose logits are asked for" : "")}.",
        LinearKernel linear => Describe(linear, target),
        AttentionKernel a => $"y[rows × {a.Heads} · {a.HeadDim}] = attention of {a.Heads} heads over {a.KvHeads} key/value heads of {a.HeadDim}{(a.Window is { } window ? $", the last {window} positions" : "")}.",
        ElementwiseKernel e => $"y[rows × {e.Width}] = {e.Kind}, element by element.",
        StateTapKernel tap => $"Keeps x[rows × {tap.Width}] as a state of the trace.",
        InputTapKernel tap => $"Keeps x[rows × {tap.Width}], which is about to be rounded.",
        GivenStatesKernel given => $"x[rows × {given.Width}] = the states that the head is to be applied to.",
        AttentionTapKernel { Attention: { } a } => $"Keeps the weights of an attention of {a.Heads} heads over {a.KvHeads} key/value heads: what it has computed page by page, once more and whole.",
        _ => TrainingKernelWriter.Describe(kernel),
    };

    /// <summary>The full tile; of block formats its columns depend on what the processor multiplies with.</summary>
    private static string Tile(TargetSet set, WeightFormat format)
    {
        int rows = TilePlan.Rows(set, format);
        return format is BlockFormat ? $"{rows} rows" : $"{rows} × {TilePlan.Columns(set, rows, format.PanelColumns)}";
    }

    private static string Describe(LinearKernel linear, TargetSet? target)
    {
        string product = linear.Gated ? $"{linear.Activation}(Wg · x) · (Wu · x)" : linear.Activation is { } f ? $"{f}(W · x{(linear.HasBias ? " + b" : "")})" : $"W · x{(linear.HasBias ? " + b" : "")}";
        string tile = target is { } set ? $", tiles of {Tile(set, linear.Format)}" : "";
        string blocks = linear.InputBlocks > 1 ? $", inputs in {linear.InputBlocks} blocks of {linear.BlockInputs}" : "";
        long panelBytes = linear.Format.PanelBytes(linear.Inputs, linear.Format.PanelColumns);
        return $"y[rows × {linear.Outputs}] = {(linear.HasResidual ? "residual + " : "")}{product}, x[rows × {linear.Inputs}] (widths as padded). "
            + $"{linear.Format.Name} panels of {linear.Format.PanelColumns} columns, {panelBytes} bytes each{tile}{blocks}.";
    }

    /// <summary>Writes one shared body, and what it asks for.</summary>
    public static void Write(KernelSet set, SourceWriter writer, KernelPlan kernel)
    {
        switch (kernel)
        {
            case EmbedKernel embed: EmbedWriter.Write(set, writer, embed); break;
            case NormKernel norm: NormWriter.Write(set, writer, norm); break;
            case QuantiseKernel quantise: QuantiseWriter.Write(set, writer, quantise); break;
            case LinearKernel linear: LinearWriter.Write(set, writer, linear); break;
            case AttentionKernel attention: AttentionWriter.Write(set, writer, attention); break;
            case ElementwiseKernel elementwise: ElementwiseWriter.Write(set, writer, elementwise); break;
            case TapKernel or GivenStatesKernel: TapWriter.Write(set, writer, kernel); break;
            default: TrainingKernelWriter.Write(set, writer, kernel); break;
        }
    }
}

using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>
/// What kernels of a training step take of a worker's own scratch, in floats: Worker.Local has as many as any kernel needs (a multiple of 16), and right behind them Worker.LocalRows
/// as many as any needs for the rows of a step, or for the positions of its longest sequence rounded up to a multiple of 64.
/// </summary>
public static class TrainingScratch
{
    /// <summary>Inputs of a panel that was turned for an input gradient.</summary>
    private const int TurnedColumns = 64;

    /// <summary>Of fixed size.</summary>
    public static int LocalFloats(KernelPlan kernel) => kernel switch
    {
        LinearKernel { InputBlocks: 1 } linear when linear.Gated || linear.Activation is not null => 2 * LocalScratch.TileFloats,
        TrainingAttentionKernel => TrainingAttentionPlan.ForwardFloats,
        AttentionGradientKernel => TrainingAttentionPlan.GradientFloats,
        HeadLossKernel head => Math.Max(
            head.HasInputGradient ? TurnedFloats(head.OutputBlock, ArenaPlanner.Pad(head.Vocab)) + DecodedFloats(head.Format) : 0,
            head.Trained ? ColumnFloats : 0),
        InputGradientKernel input => TurnedFloats(input) + Math.Max(DecodedFloats(input.Format), input is { Gate: not null, IsWhole: true } ? LocalScratch.TileFloats : 0),
        WeightGradientKernel => ColumnFloats,
        _ => 0,
    };

    /// <summary>For each row of a step.</summary>
    public static int FloatsPerRow(KernelPlan kernel) => kernel switch
    {
        LinearKernel { InputBlocks: > 1, HasEpilogue: true } linear => (linear.Gated ? 2 : 1) * linear.Format.PanelColumns,
        InputGradientKernel { Gate: not null, IsWhole: false } => TurnedColumns,
        _ => 0,
    };

    /// <summary>For each position of the longest sequence.</summary>
    public static int FloatsPerPosition(KernelPlan kernel) => kernel switch
    {
        TrainingAttentionKernel attention => new TrainingAttentionPlan(attention.HeadStride).ForwardFloatsPerPosition,
        AttentionGradientKernel attention => new TrainingAttentionPlan(attention.HeadStride).GradientFloatsPerPosition,
        _ => 0,
    };

    /// <summary>The panel of a block of inputs; behind it lies what is decoded for it, and then, in the same place, a gate's tile.</summary>
    internal static int TurnedFloats(InputGradientKernel kernel) => TurnedFloats(kernel.OutputBlock, kernel.Parts * kernel.PartOutputs);

    private static int TurnedFloats(int outputBlock, int outputs) => Math.Min(outputBlock, outputs) * TurnedColumns;

    private static int DecodedFloats(WeightFormat format) => format is F32Format ? 0 : TurnedColumns * format.PanelColumns;

    /// <summary>A block of rows of a panel's columns of dy.</summary>
    private static int ColumnFloats => OuterTilePlan.RowBlock * F32Format.Instance.PanelColumns;
}

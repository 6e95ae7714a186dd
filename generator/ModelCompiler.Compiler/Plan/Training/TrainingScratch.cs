using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>What kernels of a training step take of a worker's own scratch (Worker.Local, from its beginning), in floats.</summary>
public static class TrainingScratch
{
    /// <summary>Inputs of a panel that was turned for an input gradient.</summary>
    private const int TurnedColumns = 64;

    /// <summary>Floats of <paramref name="kernel"/> where the longest sequence of a step has <paramref name="longestSequence"/> rows. Kernels shared with inference: see <see cref="LocalScratch"/>.</summary>
    public static long Floats(KernelPlan kernel, int longestSequence) => kernel switch
    {
        InputGradientKernel input => TurnedFloats(input) + DecodedFloats(input.Format),
        WeightGradientKernel => OuterTilePlan.RowBlock * F32Format.Instance.PanelColumns,
        _ => 0,
    };

    /// <summary>The panel of a block of inputs.</summary>
    internal static int TurnedFloats(InputGradientKernel kernel)
        => Math.Min(kernel.OutputBlock, kernel.Parts * kernel.PartOutputs) * TurnedColumns;

    /// <summary>What lies behind it: a panel's part of the block, decoded.</summary>
    private static int DecodedFloats(WeightFormat format) => format is F32Format ? 0 : TurnedColumns * format.PanelColumns;
}

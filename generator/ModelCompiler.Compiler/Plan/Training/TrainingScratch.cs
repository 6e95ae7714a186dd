namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>What a kernel needs of its worker's own scratch, in floats.</summary>
internal static class TrainingScratch
{
    /// <summary>From the beginning of Worker.Local on.</summary>
    public static int LocalFloats(KernelPlan kernel) => kernel switch
    {
        InputGradientKernel gradient => 64 * gradient.OutputBlock + 4096,
        HeadLossKernel loss => 64 * Math.Max(loss.OutputBlock, 1024) + 4096,
        WeightGradientKernel => 64 * 1024 + 4096,
        _ => LocalScratch.Attention + 65536,
    };

    /// <summary>From Worker.LocalRows on, for each row of the step.</summary>
    public static int FloatsPerRow(KernelPlan kernel) => kernel switch
    {
        LinearKernel linear => LocalScratch.FloatsPerRow(linear),
        KeptGateKernel => 128,
        _ => 0,
    };

    /// <summary>From Worker.LocalRows on, for each position of the longest sequence, rounded up to a multiple of 64.</summary>
    public static int FloatsPerPosition(KernelPlan kernel) => kernel switch
    {
        TrainingAttentionKernel attention => 3 * attention.HeadStride + 128,
        AttentionGradientKernel attention => 8 * attention.HeadStride + 256,
        _ => 0,
    };
}

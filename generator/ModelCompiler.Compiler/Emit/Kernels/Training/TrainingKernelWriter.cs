using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>The methods that only a training step calls.</summary>
internal static class TrainingKernelWriter
{
    /// <summary>Parameter list of a shared body.</summary>
    public static string Parameters(KernelPlan kernel) => kernel switch
    {
        InputGradientKernel input => InputGradientWriter.Parameters(input),
        WeightGradientKernel weight => WeightGradientWriter.Parameters(weight),
        _ => throw new ArgumentOutOfRangeException(nameof(kernel), kernel.GetType().Name, "No writer for this kernel."),
    };

    /// <summary>What a shared body computes, with its shapes.</summary>
    public static string Describe(KernelPlan kernel) => kernel switch
    {
        InputGradientKernel k => $"dx[rows × {k.Inputs}] = {(k.HasResidual ? "residual + " : "")}dy[rows × {k.Parts * k.PartOutputs}] · W, {k.Format.Name} panels turned {Math.Min(k.OutputBlock, k.Parts * k.PartOutputs)} outputs at a time.",
        WeightGradientKernel k => $"{(k.HasWeight ? $"dW[{k.Parts * k.PartOutputs} × {k.Inputs}] += dyᵀ · x, {k.InputBlock} inputs at a time" : "")}{(k.HasWeight && k.HasBias ? "; " : "")}{(k.HasBias ? $"db[{k.Parts * k.PartOutputs}] += Σ dy" : "")}.",
        _ => kernel.Name,
    };

    public static void Write(KernelSet set, SourceWriter writer, KernelPlan kernel)
    {
        switch (kernel)
        {
            case InputGradientKernel input: InputGradientWriter.Write(set, writer, input); break;
            case WeightGradientKernel weight: WeightGradientWriter.Write(set, writer, weight); break;
            default: throw new ArgumentOutOfRangeException(nameof(kernel), kernel.GetType().Name, "No writer for this kernel.");
        }
    }
}

using ModelCompiler.Compiler.Emit.Kernels;
using ModelCompiler.Compiler.Emit.Targets;
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
        LinearKernel linear => LinearWriter.Parameters(linear),
        AttentionKernel attention => AttentionWriter.Parameters(attention),
        ElementwiseKernel elementwise => ElementwiseWriter.Parameters(elementwise),
        _ => throw new ArgumentOutOfRangeException(nameof(kernel), kernel.GetType().Name, "No writer for this kernel."),
    };

    /// <summary>Writes all kernels of a plan for an instruction set.</summary>
    public static KernelSet Write(ModelPlan plan, VectorTarget target, CancellationToken cancellation)
    {
        KernelSet set = new(target);
        foreach (KernelPlan kernel in plan.Kernels)
        {
            cancellation.ThrowIfCancellationRequested();
            set.Require(KernelFile.Kernels, kernel.Name, writer => Write(set, writer, kernel));
        }

        return set;
    }

    private static void Write(KernelSet set, SourceWriter writer, KernelPlan kernel)
    {
        switch (kernel)
        {
            case EmbedKernel embed: EmbedWriter.Write(set, writer, embed); break;
            case NormKernel norm: NormWriter.Write(set, writer, norm); break;
            case LinearKernel linear: LinearWriter.Write(set, writer, linear); break;
            case AttentionKernel attention: AttentionWriter.Write(set, writer, attention); break;
            case ElementwiseKernel elementwise: ElementwiseWriter.Write(set, writer, elementwise); break;
        }
    }
}

using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>Norms of all rows, with the row method of inference.</summary>
internal static class RowNormWriter
{
    public static string Parameters(RowNormKernel kernel)
        => "Worker w, float* x, float* y" + (kernel.HasWeight ? ", float* gain" : "") + (kernel.HasBias ? ", float* bias" : "");

    public static void Write(KernelSet set, SourceWriter writer, RowNormKernel kernel)
    {
        string row = NormWriter.Row(set, kernel.Kind, kernel.Width, ArenaPlanner.Pad(kernel.Width), kernel.Epsilon, kernel.HasWeight, kernel.HasBias);
        string arguments = (kernel.HasWeight ? ", gain" : "") + (kernel.HasBias ? ", bias" : "");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (nint row = first; row < last; row++)");
        writer.Open($"for (nint group = 0; group < {kernel.Groups}; group++)");
        writer.Line($"{row}(x + (row * {kernel.InStride}) + (group * {kernel.GroupStride}), y + (row * {kernel.OutStride}) + (group * {kernel.GroupStride}){arguments});");
        writer.Close().Close().Close().Close();
    }
}

using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>Turns the heads of each row by its position, or back. Where y is not x, the row is copied first.</summary>
internal static class RotateWriter
{
    public const string Parameters = "Worker w, float* x, float* y";

    public static void Write(KernelSet set, SourceWriter writer, RotateKernel kernel)
    {
        VectorTarget t = set.Target;
        int width = kernel.Heads * kernel.HeadStride;
        string rotate = RotationWriter.Require(set, kernel.Pairs, kernel.Backward);
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters})");
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (nint row = first; row < last; row++)");
        writer.Line($"float* turn = w.Rope({kernel.RopeTable}, w.Positions[row]);");
        writer.Line($"float* heads = y + (row * {kernel.OutStride});");
        writer.Open("if (x != y)");
        writer.Open($"for (nint c = 0; c < {width}; c += {t.Lanes})");
        writer.Line(t.Store(t.Load($"x + (row * {kernel.InStride}) + c"), "heads + c"));
        writer.Close().Close().Line();
        writer.Open($"for (int head = 0; head < {kernel.Heads}; head++)");
        writer.Line($"{rotate}(heads + (head * {kernel.HeadStride}), turn);");
        writer.Close().Close().Close().Close();
    }
}

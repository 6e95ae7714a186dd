using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>The gradient of learned positions: workers claim blocks of columns and walk down all rows.</summary>
internal static class PositionGradientWriter
{
    /// <summary>Columns of an item.</summary>
    private const int Columns = 64;

    public const string Parameters = "Worker w, float* dy, float* dpositions";

    public static void Write(KernelSet set, SourceWriter writer, PositionGradientKernel kernel)
    {
        VectorTarget t = set.Target;
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters})");
        writer.Open($"while (w.Next({(kernel.Width + Columns - 1) / Columns}, 1, out int first, out int last))");
        writer.Open("for (nint row = 0; row < w.Rows; row++)");
        writer.Line($"float* sums = dpositions + ((nint)(w.Positions[row]{(kernel.Offset == 0 ? "" : $" + {kernel.Offset}")}) * {kernel.Width});");
        writer.Open($"for (nint c = first * {Columns}; c < Math.Min(last * {Columns}, {kernel.Width}); c += {t.Lanes})");
        writer.Line(t.Store($"{t.Load("sums + c")} + {t.Load($"dy + (row * {kernel.GradientStride}) + c")}", "sums + c"));
        writer.Close().Close().Close().Close();
    }
}

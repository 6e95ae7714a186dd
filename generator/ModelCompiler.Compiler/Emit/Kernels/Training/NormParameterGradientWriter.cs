using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>The gradients of a norm's gain and bias: workers claim blocks of columns and walk down all rows.</summary>
internal static class NormParameterGradientWriter
{
    /// <summary>Columns of an item: four cache lines of a row.</summary>
    private const int Columns = 64;

    public static string Parameters(NormParameterGradientKernel kernel)
        => "Worker w, float* x, float* dy, float* statistics" + (kernel.HasWeight ? ", float* dgain" : "") + (kernel.HasBias ? ", float* dbias" : "");

    public static void Write(KernelSet set, SourceWriter writer, NormParameterGradientKernel kernel)
    {
        VectorTarget t = set.Target;
        int padded = ArenaPlanner.Pad(kernel.Width);
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Open($"while (w.Next({(padded + Columns - 1) / Columns}, 1, out int first, out int last))");
        writer.Open("for (nint row = 0; row < w.Rows; row++)");
        writer.Open($"for (nint group = 0; group < {kernel.Groups}; group++)");
        writer.Line($"float* numbers = x + (row * {kernel.InStride}) + (group * {kernel.GroupStride});");
        writer.Line($"float* gradients = dy + (row * {kernel.GradientStride}) + (group * {kernel.GroupStride});");
        if (kernel.HasWeight)
        {
            writer.Line($"float* of = statistics + (row * {kernel.StatisticsStride}) + (group * 2);");
            if (kernel.Kind == NormKind.Layer)
            {
                writer.Line($"var mean = {t.Broadcast("of[0]")};");
            }

            writer.Line($"var scale = {t.Broadcast("of[1]")};");
        }

        writer.Open($"for (nint c = first * {Columns}; c < Math.Min(last * {Columns}, {padded}); c += {t.Lanes})");
        writer.Line($"var g = {t.Load("gradients + c")};");
        if (kernel.HasWeight)
        {
            string normal = kernel.Kind == NormKind.Layer ? $"({t.Load("numbers + c")} - mean) * scale" : $"{t.Load("numbers + c")} * scale";
            writer.Line(t.Store(t.Fma("g", normal, t.Load("dgain + c")), "dgain + c"));
        }

        if (kernel.HasBias)
        {
            writer.Line(t.Store($"{t.Load("dbias + c")} + g", "dbias + c"));
        }

        writer.Close().Close().Close().Close().Close();
    }
}

using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>dx = dy · f'(x), row by row.</summary>
internal static class ActivationGradientWriter
{
    public const string Parameters = "Worker w, float* x, float* dy, float* dx";

    public static void Write(KernelSet set, SourceWriter writer, ActivationGradientKernel kernel)
    {
        VectorTarget t = set.Target;
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters})");
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (nint row = first; row < last; row++)");
        writer.Open($"for (nint c = 0; c < {kernel.Width}; c += {t.Lanes})");
        writer.Line($"var v = {t.Load($"x + (row * {kernel.InStride}) + c")};");
        string slope;
        if (kernel.Activation is { } activation)
        {
            slope = ActivationWriter.Derivative(set, activation, "v");
        }
        else
        {
            writer.Line($"var bent = {LaneMath.Tanh(set)}(v / {t.Broadcast(Literals.Float(kernel.Cap))});");
            slope = t.Fma("-bent", "bent", $"{t.Floats}.One");
        }

        writer.Line(t.Store($"{t.Load($"dy + (row * {kernel.GradientStride}) + c")} * {(kernel.Activation is null ? $"({slope})" : slope)}", $"dx + (row * {kernel.OutStride}) + c"));
        writer.Close().Close().Close().Close();
    }
}

using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>dgate = dh · up · f'(gate), dup = dh · f(gate), row by row.</summary>
internal static class GateGradientWriter
{
    public const string Parameters = "Worker w, float* gate, float* up, float* dh, float* dgate, float* dup";

    public static void Write(KernelSet set, SourceWriter writer, GateGradientKernel kernel)
    {
        VectorTarget t = set.Target;
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters})");
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (nint row = first; row < last; row++)");
        writer.Open($"for (nint c = 0; c < {kernel.Width}; c += {t.Lanes})");
        writer.Line($"var g = {t.Load($"gate + (row * {kernel.GateStride}) + c")};");
        writer.Line($"var u = {t.Load($"up + (row * {kernel.UpStride}) + c")};");
        writer.Line($"var d = {t.Load($"dh + (row * {kernel.GradientStride}) + c")};");
        writer.Line(t.Store($"d * u * {ActivationWriter.Derivative(set, kernel.Activation, "g")}", $"dgate + (row * {kernel.GateGradientStride}) + c"));
        writer.Line(t.Store($"d * {ActivationWriter.Apply(set, kernel.Activation, "g")}", $"dup + (row * {kernel.UpGradientStride}) + c"));
        writer.Close().Close().Close().Close();
    }
}

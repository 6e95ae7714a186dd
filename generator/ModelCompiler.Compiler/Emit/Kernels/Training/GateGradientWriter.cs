using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>dgate = dh · up · f'(gate), dup = dh · f(gate): what an <see cref="InputGradientWriter"/> makes of a tile of dh. dgate and dup may be gate and up.</summary>
internal static class GateGradientWriter
{
    /// <summary>Requires <c>(dh, gate, up, dgate, dup, rows)</c>, of <paramref name="columns"/> columns; dh has 64 floats a row.</summary>
    public static string Require(KernelSet set, InputGradientKernel kernel, GateGradientPlan gate, int columns)
    {
        string name = $"{kernel.Name}Gate{columns}";
        return set.Require(KernelFile.Kernels, name, writer =>
        {
            VectorTarget t = set.Target;
            writer.Line($"/// <summary>dgate = dh · up · {gate.Activation}'(gate), dup = dh · {gate.Activation}(gate), {columns} columns of some rows.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {name}(float* dh, float* gate, float* up, float* dgate, float* dup, int rows)");
            writer.Open("for (nint row = 0; row < rows; row++)");
            writer.Open($"for (nint c = 0; c < {columns}; c += {t.Lanes})");
            writer.Line($"var g = {t.Load($"gate + (row * {gate.GateStride}) + c")};");
            writer.Line($"var u = {t.Load($"up + (row * {gate.UpStride}) + c")};");
            writer.Line($"var d = {t.Load("dh + (row * 64) + c")};");
            writer.Line($"var f = {ActivationWriter.ApplyWithDerivative(set, gate.Activation, "g", "slope")};");
            writer.Line(t.Store("d * u * slope", $"dgate + (row * {kernel.OutStride}) + c"));
            writer.Line(t.Store("d * f", $"dup + (row * {gate.UpGradientStride}) + c"));
            writer.Close().Close().Close();
        });
    }
}

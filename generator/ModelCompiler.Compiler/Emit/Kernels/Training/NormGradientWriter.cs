using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// The gradient of a norm's input, with n = (x − mean) · r, r = 1 / σ, g = dy · gain: RMS r · (g − n · mean(g · n)), layer r · (g − mean(g) − n · mean(g · n)).
/// Mean and σ are computed again, with the bits of the forward pass, and kept for the gradient of gain and bias.
/// </summary>
internal static class NormGradientWriter
{
    public static string Parameters(NormGradientKernel kernel)
        => "Worker w, float* x" + (kernel.HasOutput ? $", float* dy{(kernel.HasResidual ? ", float* residual" : "")}, float* dx" : "") + ", float* statistics"
            + (kernel.HasOutput && kernel.HasWeight ? ", float* gain" : "");

    public static void Write(KernelSet set, SourceWriter writer, NormGradientKernel kernel)
    {
        string row = Row(set, kernel);
        string At(string pointer, int stride) => $"{pointer} + (row * {stride}) + (group * {kernel.GroupStride})";
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (nint row = first; row < last; row++)");
        writer.Open($"for (nint group = 0; group < {kernel.Groups}; group++)");
        string gradient = !kernel.HasOutput ? "" : $", {At("dy", kernel.GradientStride)}{(kernel.HasResidual ? $", {At("residual", kernel.ResidualStride)}" : "")}, {At("dx", kernel.OutStride)}";
        writer.Line($"{row}({At("x", kernel.InStride)}{gradient}, statistics + (row * {kernel.StatisticsStride}) + (group * 2){(kernel.HasOutput && kernel.HasWeight ? ", gain" : "")});");
        writer.Close().Close().Close().Close();
    }

    private static string Row(KernelSet set, NormGradientKernel kernel) => set.Require(KernelFile.Kernels, kernel.Name + "Row", writer =>
    {
        int padded = ArenaPlanner.Pad(kernel.Width);
        writer.Line($"/// <summary>One group of {kernel.Width} numbers.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {kernel.Name}Row({Parameters(kernel).Replace("Worker w, ", "")})");
        NormWriter.WriteStatistics(writer, set, kernel.Kind, kernel.Width, padded, kernel.Epsilon);
        writer.Line($"statistics[0] = {(kernel.Kind == NormKind.Layer ? "mean.ToScalar()" : "0f")};");
        writer.Line("statistics[1] = scale.ToScalar();");
        if (kernel.HasOutput)
        {
            WriteGradient(writer, set, kernel, padded);
        }

        writer.Close();
    });

    private static void WriteGradient(SourceWriter writer, KernelSet set, NormGradientKernel kernel, int padded)
    {
        VectorTarget t = set.Target;
        bool layer = kernel.Kind == NormKind.Layer;
        string Gradient(string at) => kernel.HasWeight ? $"{t.Load($"dy + {at}")} * {t.Load($"gain + {at}")}" : t.Load($"dy + {at}");
        string Normal(string at) => layer ? $"({t.Load($"x + {at}")} - mean) * scale" : $"{t.Load($"x + {at}")} * scale";
        for (int i = 0; i < t.PerSixteen; i++)
        {
            writer.Line($"var product{i} = {t.Floats}.Zero;");
            if (layer)
            {
                writer.Line($"var mass{i} = {t.Floats}.Zero;");
            }
        }

        writer.Open($"for (nint i = 0; i < {padded}; i += 16)");
        for (int i = 0; i < t.PerSixteen; i++)
        {
            string at = i == 0 ? "i" : $"i + {i * t.Lanes}";
            writer.Line($"var g{i} = {Gradient(at)}; // 0 in the padding");
            writer.Line($"product{i} = {t.Fma($"g{i}", Normal(at), $"product{i}")};");
            if (layer)
            {
                writer.Line($"mass{i} += g{i};");
            }
        }

        writer.Close().Line();
        string Mean(string lanes) => t.Broadcast($"{LaneMath.Sum(set, [.. Enumerable.Range(0, t.PerSixteen).Select(i => lanes + i)])} / {kernel.Width}f");
        writer.Line($"var slope = {Mean("product")};");
        if (layer)
        {
            writer.Line($"var shift = {Mean("mass")};");
        }

        writer.Open($"for (nint i = 0; i < {padded}; i += {t.Lanes})");
        writer.Line($"var v = scale * ({(layer ? $"({Gradient("i")} - shift)" : Gradient("i"))} - ({Normal("i")} * slope));");
        if (layer && kernel.Width != padded)
        {
            writer.Line($"v = {NormWriter.Inside(set)}(v, i, {kernel.Width});");
        }

        writer.Line(t.Store(kernel.HasResidual ? $"v + {t.Load("residual + i")}" : "v", "dx + i"));
        writer.Close();
    }
}

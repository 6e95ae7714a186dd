using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>RMS and layer norm. Sums run over sixteen virtual lanes: block by block of sixteen numbers, then one fixed tree.</summary>
internal static class NormWriter
{
    public static string Parameters(NormKernel kernel)
        => "Worker w, float* x, float* y" + (kernel.HasWeight ? ", float* gain" : "") + (kernel.HasBias ? ", float* bias" : "");

    public static void Write(KernelSet set, SourceWriter writer, NormKernel kernel)
    {
        string row = Row(set, kernel.Kind, kernel.Width, kernel.PaddedWidth, kernel.Epsilon, kernel.HasWeight, kernel.HasBias);
        string arguments = (kernel.HasWeight ? ", gain" : "") + (kernel.HasBias ? ", bias" : "");
        string rows = kernel.Selected ? "w.LogitRows" : "w.Rows";
        string source = kernel.Selected ? "w.LogitRowIndices[row]" : "row";
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Open($"if ({rows} == 1)");
        writer.Line(kernel.Selected ? $"{row}(x + ((nint)w.LogitRowIndices[0] * {kernel.InStride}), y{arguments});" : $"{row}(x, y{arguments});");
        writer.Line("return; // every worker has its own copy: cheaper than to wait for one");
        writer.Close().Line();
        writer.Open($"while (w.Next({rows}, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (int row = first; row < last; row++)");
        writer.Line($"{row}(x + ((nint){source} * {kernel.InStride}), y + ((nint)row * {kernel.OutStride}){arguments});");
        writer.Close().Close().Line();
        writer.Line("w.Barrier();");
        writer.Close();
    }

    /// <summary>Requires a method that normalises one row: <c>(float* x, float* y[, float* gain][, float* bias])</c>; y may be x.</summary>
    public static string Row(KernelSet set, NormKind kind, int width, int paddedWidth, double epsilon, bool hasWeight, bool hasBias)
    {
        string name = $"{kind}Row{width}Epsilon{EpsilonName(epsilon)}{(hasWeight ? "" : "Plain")}{(hasBias ? "Bias" : "")}";
        return set.Require(KernelFile.Kernels, name, writer =>
        {
            VectorTarget t = set.Target;
            string parameters = "float* x, float* y" + (hasWeight ? ", float* gain" : "") + (hasBias ? ", float* bias" : "");
            writer.Line(kind == NormKind.Rms
                ? $"/// <summary>y = x / sqrt(mean(x²) + ε){(hasWeight ? " · gain" : "")}, over {width} numbers.</summary>"
                : $"/// <summary>y = (x − mean(x)) / sqrt(var(x) + ε) · gain{(hasBias ? " + bias" : "")}, over {width} numbers.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {name}({parameters})");
            WriteStatistics(writer, set, kind, width, paddedWidth, epsilon);
            WriteRow(writer, t, kind, paddedWidth, hasWeight, hasBias);
            writer.Close();
        });

        static string EpsilonName(double epsilon)
            => new([.. epsilon.ToString("G9", System.Globalization.CultureInfo.InvariantCulture).Where(char.IsLetterOrDigit)]);
    }

    /// <summary>Declares <c>scale</c>, and for layer norm <c>mean</c>: registers of one number each, of the row at <c>x</c>.</summary>
    public static void WriteStatistics(SourceWriter writer, KernelSet set, NormKind kind, int width, int paddedWidth, double epsilon)
    {
        VectorTarget t = set.Target;
        if (kind == NormKind.Rms)
        {
            WriteSum(writer, set, "squares", paddedWidth, (x, sum) => t.Fma(x, x, sum));
        }
        else
        {
            WriteSum(writer, set, "total", paddedWidth, (x, sum) => $"{sum} + {x}");
            writer.Line($"var mean = {t.Broadcast($"total / {width}f")};");
            if (width == paddedWidth)
            {
                WriteSum(writer, set, "squares", paddedWidth, (x, sum) => t.Fma($"({x} - mean)", $"({x} - mean)", sum));
            }
            else
            {
                writer.Line("// The padding is not part of the row: its distance from the mean does not count.");
                WriteSum(writer, set, "squares", paddedWidth, (x, sum) => t.Fma($"Inside({x} - mean, i + LANE, {width})", $"Inside({x} - mean, i + LANE, {width})", sum));
                Inside(set);
            }
        }

        writer.Line($"var scale = {t.Broadcast($"1f / MathF.Sqrt((squares / {width}f) + {Literals.Float(epsilon)})")};");
    }

    private static void WriteRow(SourceWriter writer, VectorTarget t, NormKind kind, int paddedWidth, bool hasWeight, bool hasBias)
    {
        writer.Open($"for (nint i = 0; i < {paddedWidth}; i += {t.Lanes})");
        string normal = kind == NormKind.Rms ? $"{t.Load("x + i")} * scale" : $"({t.Load("x + i")} - mean) * scale";
        writer.Line(t.Store(hasBias ? t.Fma(normal, t.Load("gain + i"), t.Load("bias + i")) : normal + (hasWeight ? $" * {t.Load("gain + i")}" : ""), "y + i"));
        writer.Close();
    }

    /// <summary>float <paramref name="name"/> = Σ over the row, in sixteen lanes; <paramref name="add"/> gives the text of lanes + f(x).</summary>
    private static void WriteSum(SourceWriter writer, KernelSet set, string name, int paddedWidth, Func<string, string, string> add)
    {
        VectorTarget t = set.Target;
        string[] lanes = [.. Enumerable.Range(0, t.PerSixteen).Select(i => $"{name}{i}")];
        foreach (string lane in lanes)
        {
            writer.Line($"var {lane} = {t.Floats}.Zero;");
        }

        writer.Open($"for (nint i = 0; i < {paddedWidth}; i += 16)");
        for (int i = 0; i < lanes.Length; i++)
        {
            int offset = i * t.Lanes;
            string x = t.Load(offset == 0 ? "x + i" : $"x + i + {offset}");
            writer.Line($"{lanes[i]} = {add(x, lanes[i]).Replace("LANE", Literals.Int(offset))};");
        }

        writer.Close();
        writer.Line($"float {name} = {LaneMath.Sum(set, lanes)};");
    }

    /// <summary>Requires <c>(value, first, width)</c>: value where the lane is inside the row, 0 in its padding.</summary>
    public static string Inside(KernelSet set) => set.Require(KernelFile.Math, "Inside", writer =>
    {
        VectorTarget t = set.Target;
        writer.Line("/// <summary>value in the lanes whose place, counted from first, is below width; 0 in the others.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
        writer.Open($"private static {t.Floats} Inside({t.Floats} value, nint first, int width)");
        writer.Line($"var places = {t.Vector}<int>.Indices + {t.Vector}.Create((int)first);");
        writer.Line($"return {t.Vector}.LessThan(places, {t.Vector}.Create(width)).AsSingle() & value;");
        writer.Close();
    });
}

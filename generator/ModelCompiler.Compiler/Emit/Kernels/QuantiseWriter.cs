using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// Rows as integers, group by group: scale = max |x| / 127, q = round(x · (127 / max |x|)), ties to even. Every step is one IEEE operation, so
/// that the integers are the same on every instruction set; where they lie in a group's record is each instruction set's own affair.
/// </summary>
internal static class QuantiseWriter
{
    /// <summary>A group whose largest number is smaller is zero: its reciprocal would not be finite.</summary>
    private const string Smallest = "1e-30f";

    public static string Parameters => "Worker w, float* x, float* y";

    public static void Write(KernelSet set, SourceWriter writer, QuantiseKernel kernel)
    {
        string row = Row(set, kernel);
        string rows = kernel.Selected ? "w.LogitRows" : "w.Rows";
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters})");
        writer.Open($"if ({rows} == 1)");
        writer.Line($"{row}(x, y);");
        writer.Line("return; // every worker has its own copy: cheaper than to wait for one");
        writer.Close().Line();
        writer.Open($"while (w.Next({rows}, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (int row = first; row < last; row++)");
        writer.Line($"{row}(x + ((nint)row * {kernel.InStride}), y + ((nint)row * {kernel.OutStride}));");
        writer.Close().Close().Line();
        writer.Line("w.Barrier();");
        writer.Close();
    }

    /// <summary>Requires the method of one row: (float* x, float* y).</summary>
    private static string Row(KernelSet set, QuantiseKernel kernel)
        => set.Require(KernelFile.Kernels, $"QuantiseRow{kernel.Width}{kernel.Format.Name.ToUpperInvariant()}", writer =>
        {
            string group = Group(set, kernel.Format);
            int whole = kernel.Width / BlockFormat.GroupInputs;
            writer.Line($"/// <summary>{kernel.Width} numbers as integers with a scale for each {BlockFormat.GroupInputs}.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void QuantiseRow{kernel.Width}{kernel.Format.Name.ToUpperInvariant()}(float* x, float* y)");
            if (whole > 0)
            {
                writer.Open($"for (int group = 0; group < {whole}; group++)");
                writer.Line($"{group}(x, (byte*)y);");
                writer.Line($"x += {BlockFormat.GroupInputs};");
                writer.Line($"y += {kernel.Format.GroupInputFloats};");
                writer.Close();
            }

            if (kernel.Width % BlockFormat.GroupInputs != 0)
            {
                int rest = kernel.Width % BlockFormat.GroupInputs;
                writer.Line($"float* last = stackalloc float[{BlockFormat.GroupInputs}]; // the row ends within a group");
                writer.Line($"new Span<float>(last, {BlockFormat.GroupInputs}).Clear();");
                writer.Line($"new Span<float>(x, {rest}).CopyTo(new Span<float>(last, {rest}));");
                writer.Line($"{group}(last, (byte*)y);");
            }

            writer.Close();
        });

    private static string Group(KernelSet set, BlockFormat format)
        => set.Require(KernelFile.Math, "QuantiseGroup" + format.Name.ToUpperInvariant(), writer =>
        {
            VectorTarget t = set.Target;
            int registers = BlockFormat.GroupInputs / t.Lanes;
            writer.Line($"/// <summary>{BlockFormat.GroupInputs} numbers as integers −127 … 127 and their scale, as tiles of {format.Name} read them.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open($"private static void QuantiseGroup{format.Name.ToUpperInvariant()}(float* x, byte* record)");
            for (int r = 0; r < registers; r++)
            {
                writer.Line($"var x{r} = {t.Load(r == 0 ? "x" : $"x + {r * t.Lanes}")};");
            }

            writer.Line("// As integers, the sizes of floats are ordered as they are, and a number that is none exceeds all: it shows in the scale.");
            writer.Line($"var size = {t.Broadcast("0x7FFFFFFFu")};");
            writer.Line("var peaks = x0.AsUInt32() & size;");
            for (int r = 1; r < registers; r++)
            {
                writer.Line($"peaks = {t.Vector}.Max(peaks, x{r}.AsUInt32() & size);");
            }

            writer.Line($"float peak = BitConverter.UInt32BitsToSingle({LaneMath.MaxOfIntegers(set, "peaks")});");
            writer.Line($"bool tiny = peak < {Smallest};");
            writer.Line($"*(float*)(record + {format.ScaleOffsetBytes}) = tiny ? 0f : peak / 127f;");
            writer.Line($"var inverse = {t.Broadcast("tiny ? 0f : 127f / peak")};");
            writer.Line($"var rounder = {t.Broadcast("12582912f")}; // 1.5 · 2^23: the sum's low bits are the rounded integer");
            for (int r = 0; r < registers; r++)
            {
                writer.Line($"var q{r} = {t.Fma($"x{r}", "inverse", "rounder")}.AsInt32() - rounder.AsInt32();");
            }

            t.Dot(format).WriteRecord(writer, t, format, [.. Enumerable.Range(0, registers).Select(r => $"q{r}")]);
            writer.Close();
        });
}

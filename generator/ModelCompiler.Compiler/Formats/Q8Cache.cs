using System.Runtime.CompilerServices;
using ModelCompiler.Compiler.Emit;
using ModelCompiler.Compiler.Emit.Kernels;
using ModelCompiler.Compiler.Emit.Targets;

namespace ModelCompiler.Compiler.Formats;

/// <summary>
/// 8 bits for a number and a bfloat16 scale for each 32 elements of a head: 8.5 bits. The scale is max |x| / 127 rounded up, so that 127 steps
/// reach the largest number; a code is x / scale to nearest even. Both have few bits: their product is a float32 exactly.
/// </summary>
public sealed class Q8Cache : CacheFormat
{
    /// <summary>2^−100 as bfloat16: smaller scales would have no inverse. A group of zeros has it too.</summary>
    private const uint SmallestScale = 0x0D80;

    /// <summary>The one instance.</summary>
    public static Q8Cache Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "q8";

    /// <inheritdoc/>
    public override int NumbersPerWord => 4;

    /// <inheritdoc/>
    public override int GroupSize => 32;

    /// <inheritdoc/>
    public override void Round(Span<float> head)
    {
        for (int first = 0; first < head.Length; first += GroupSize)
        {
            Span<float> group = head.Slice(first, Math.Min(GroupSize, head.Length - first));
            uint most = 0;
            foreach (ref float number in group)
            {
                most = Math.Max(most, Unsafe.As<float, uint>(ref number) & 0x7FFFFFFF);
            }

            float largest = Unsafe.As<uint, float>(ref most) / 127f;
            float scale = HalfFloats.FromBF16((ushort)Math.Max((Unsafe.As<float, uint>(ref largest) + 0xFFFF) >> 16, SmallestScale));
            float inverse = 1f / scale;
            foreach (ref float number in group)
            {
                number = (float)Math.Round((double)number * inverse) * scale; // the product has 48 bits: rounded once, as by a fused multiply-add
            }
        }
    }

    internal override string CodeType => "byte";

    internal override void WriteEncode(KernelSet set, SourceWriter writer, int headDim)
    {
        VectorTarget t = set.Target;
        string end = headDim % GroupSize == 0 ? $"group + {GroupSize}" : $"Math.Min(group + {GroupSize}, {headDim})";
        writer.Open($"for (int group = 0; group < {headDim}; group += {GroupSize})");
        writer.Line($"int end = {end};");
        writer.Line("// As integers, the sizes of floats are ordered as they are, and a number that is none exceeds all: it shows in the scale.");
        writer.Line($"var most = {t.Vector}<uint>.Zero;");
        writer.Open($"for (nint i = group; i < end; i += {t.Lanes})");
        writer.Line($"most = {t.Vector}.Max(most, {t.Load("x + i")}.AsUInt32() & {t.Broadcast("0x7FFFFFFFu")});");
        writer.Close().Line();
        writer.Line($"float largest = BitConverter.UInt32BitsToSingle({LaneMath.MaxOfIntegers(set, "most")}) / 127f;");
        writer.Line($"uint scale = Math.Max((BitConverter.SingleToUInt32Bits(largest) + 0xFFFF) >> 16, 0x{SmallestScale:X4}u);");
        writer.Line($"scales[(group / {2 * GroupSize} * 128) + (group / {GroupSize} % 2)] = (ushort)scale;");
        writer.Line($"var inverse = {t.Broadcast("1f / BitConverter.UInt32BitsToSingle(scale << 16)")};");
        writer.Open($"for (nint i = group; i < end; i += {t.Lanes})");
        writer.Line("// 1.5 · 2^23 leaves no bits behind the point; the code is in the lowest eight.");
        writer.Line(t.Store($"{t.Fma(t.Load("x + i"), "inverse", t.Broadcast("12582912f"))}.AsUInt32()", "codes + i"));
        writer.Close().Close();
    }

    internal override string Number(VectorTarget target, string words, int index)
        => $"{target.Vector}.ConvertToSingle({(index == 3 ? $"{words}.AsInt32()" : $"({words} << {24 - (8 * index)}).AsInt32()")} >> 24)";
}

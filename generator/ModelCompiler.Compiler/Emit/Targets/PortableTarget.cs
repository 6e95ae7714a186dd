using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>
/// Any processor, through .NET's portable 128-bit vectors. Where there is no fused multiply-add in hardware .NET computes it in software: slow, and
/// the same bits.
/// </summary>
internal sealed class PortableTarget() : VectorTarget(TargetSet.Portable, 4)
{
    // Byte by byte in 32 bits: any processor has these shifts.
    private readonly QuadDot quads = QuadDot.ByHelper(writer =>
    {
        writer.Line("int four = x.AsInt32().GetElement(quad);");
        writer.Line("var bytes = w.AsInt32();");
        for (int i = 0; i < 4; i++)
        {
            string weight = i == 3 ? "Vector128.ShiftRightArithmetic(bytes, 24)" : $"Vector128.ShiftRightArithmetic(bytes << {24 - (8 * i)}, 24)";
            writer.Line($"sum += {weight} * Vector128.Create((int)unchecked((sbyte){(i == 0 ? "four" : $"(four >> {8 * i})")}));");
        }

        writer.Line("return sum;");
    });

    public override string IsSupported => "true";

    public override string Description => "Any processor: four lanes through portable vectors.";

    public override string Fma(string a, string b, string c) => $"Vector128.FusedMultiplyAdd({a}, {b}, {c})";

    public override BlockDot Dot(BlockFormat format) => quads;

    public override string LoadScales(string pointer) => $"(Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)({pointer})).AsUInt16()) << 16).AsSingle()";
}

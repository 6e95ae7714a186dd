using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>AVX2 with FMA: 16 registers of eight lanes.</summary>
internal sealed class Avx2Target() : VectorTarget(TargetSet.Avx2, 8)
{
    private readonly PairwiseDot pairs = new("Avx2");

    public override string IsSupported => "Avx2.IsSupported && Fma.IsSupported";

    public override string Description => "AVX2 with FMA: eight lanes, 16 registers.";

    public override string Fma(string a, string b, string c) => $"Fma.MultiplyAdd({a}, {b}, {c})";

    public override Func<string, string, bool, string> Interleave => (a, b, upper) => $"Avx.Unpack{(upper ? "High" : "Low")}({a}, {b})";

    public override BlockDot Dot(BlockFormat format) => format.Bits == 8 ? new VnniDot(pairs) : pairs;

    public override string LoadScales(string pointer) => $"(Avx2.ConvertToVector256Int32(Vector128.Load((ushort*)({pointer}))) << 16).AsSingle()";
}

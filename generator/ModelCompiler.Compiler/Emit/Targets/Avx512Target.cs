using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>AVX-512: 32 registers of sixteen lanes.</summary>
internal sealed class Avx512Target() : VectorTarget(TargetSet.Avx512, 16)
{
    private readonly PairwiseDot pairs = new("Avx512BW");

    public override string IsSupported => "Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported";

    public override string Description => "AVX-512: sixteen lanes, 32 registers.";

    // AMD since Zen 5, Intel since Sapphire Rapids.
    public override string? Recent => "AvxVnni.IsSupported";

    public override string Fma(string a, string b, string c) => $"Avx512F.FusedMultiplyAdd({a}, {b}, {c})";

    public override Func<string, string, bool, string> Interleave => (a, b, upper) => $"Avx512F.Unpack{(upper ? "High" : "Low")}({a}, {b})";

    public override string Prefetch(string pointer, PrefetchHint hint)
        => $"Sse.Prefetch{hint switch { PrefetchHint.First => "0", PrefetchHint.Second => "1", _ => "NonTemporal" }}({pointer});";

    public override BlockDot Dot(BlockFormat format) => format.Bits == 8 ? new VnniDot(pairs) : pairs;

    public override string LoadScales(string pointer) => $"(Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)({pointer}))) << 16).AsSingle()";
}

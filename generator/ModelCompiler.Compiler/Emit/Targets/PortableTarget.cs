using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>
/// Any processor, through .NET's portable 128-bit vectors. Where there is no fused multiply-add in hardware .NET computes it in software: slow, and
/// the same bits.
/// </summary>
internal sealed class PortableTarget() : VectorTarget(TargetSet.Portable, 4)
{
    public override string IsSupported => "true";

    public override string Description => "Any processor: four lanes through portable vectors.";

    public override string Fma(string a, string b, string c) => $"Vector128.FusedMultiplyAdd({a}, {b}, {c})";
}

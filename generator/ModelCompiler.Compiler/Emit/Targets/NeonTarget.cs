using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>Arm Advanced SIMD: 32 registers of four lanes; a lane of one register can multiply all of another.</summary>
internal sealed class NeonTarget() : VectorTarget(TargetSet.Neon, 4)
{
    private readonly QuadDot quads = new QuadDot(
        (_, sum, w, x, quad) => $"Dp.DotProductBySelectedQuadruplet({sum}, {w}, {x}, {quad})",
        "Dp.IsSupported",
        QuadDot.ByHelper(writer =>
        {
            writer.Line("var four = AdvSimd.DuplicateSelectedScalarToVector128(x.AsInt32(), quad).AsSByte();");
            writer.Line("var pairs = AdvSimd.Arm64.AddPairwise(AdvSimd.MultiplyWideningLower(w.GetLower(), four.GetLower()), AdvSimd.MultiplyWideningUpper(w, four));");
            writer.Line("return AdvSimd.AddPairwiseWideningAndAdd(sum, pairs);");
        }));

    public override string IsSupported => "AdvSimd.Arm64.IsSupported";

    public override string Description => "Arm Advanced SIMD: four lanes, 32 registers, multiplication by lane.";

    public override string Fma(string a, string b, string c) => $"AdvSimd.FusedMultiplyAdd({c}, {a}, {b})";

    public override int InputsPerLoad => 4;

    public override string? TileLoadInput(int row, int input) => input % 4 == 0 ? $"var x{row}_{input} = Vector128.Load(&in{row}[{input}]);" : null;

    public override string TileFma(int row, int input, string weight, string accumulator)
        => $"AdvSimd.Arm64.FusedMultiplyAddBySelectedScalar({accumulator}, {weight}, x{row}_{input / 4 * 4}, {input % 4})";

    public override Func<string, string, bool, string> Interleave => (a, b, upper) => $"AdvSimd.Arm64.Zip{(upper ? "High" : "Low")}({a}, {b})";

    public override BlockDot Dot(BlockFormat format) => quads;

    public override string LoadScales(string pointer) => $"(AdvSimd.ZeroExtendWideningLower(Vector64.Load((ushort*)({pointer}))) << 16).AsSingle()";
}

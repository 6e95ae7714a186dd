using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Onnx.Export.Lowerings;

/// <summary>
/// RotaryEmbedding (opset 23), halves not interleaved. cos and sin come from tables, computed in double precision: an angle in float32 is off
/// by thousandths at position 40,000.
/// </summary>
internal static class RopeLowering
{
    public static string Lower(Lowering l, string name, Rope rope)
    {
        OnnxGraph graph = l.Graph;
        (string cos, string sin) = l.Rotary(rope.Table);
        long rotated = l.Source.RopeTables[rope.Table].RotatedWidth;
        return l.HasStandardNorms
            ? graph.Node(
                "RotaryEmbedding", name, [l[rope.Input], cos, sin, OnnxNames.Positions], OnnxGraph.Attribute("interleaved", 0L),
                OnnxGraph.Attribute("num_heads", rope.Heads), OnnxGraph.Attribute("rotary_embedding_dim", rotated == rope.HeadDim ? 0 : rotated))
            : Decomposed(l, name, rope, cos, sin, rotated);
    }

    /// <summary>(x₁ cos − x₂ sin, x₂ cos + x₁ sin), and the rest of the head as it is.</summary>
    private static string Decomposed(Lowering l, string name, Rope rope, string cosTable, string sinTable, long rotated)
    {
        OnnxGraph graph = l.Graph;
        string Factors(string table, string what) => graph.Node(
            "Unsqueeze", $"{name}.{what}", [graph.Node("Gather", $"{name}.{what}.rows", [table, OnnxNames.Positions]), graph.Integers(2)]);
        string cos = Factors(cosTable, "cos"), sin = Factors(sinTable, "sin");
        string heads = graph.Reshape($"{name}.heads", l[rope.Input], 0, 0, rope.Heads, rope.HeadDim);
        string first = graph.Slice($"{name}.first", heads, -1, 0, rotated / 2);
        string second = graph.Slice($"{name}.second", heads, -1, rotated / 2, rotated);
        string Mul(string a, string b, string what) => graph.Node("Mul", $"{name}.{what}", [a, b]);
        string real = graph.Node("Sub", $"{name}.real", [Mul(first, cos, "firstCos"), Mul(second, sin, "secondSin")]);
        string imaginary = graph.Node("Add", $"{name}.imaginary", [Mul(second, cos, "secondCos"), Mul(first, sin, "firstSin")]);
        string[] parts = rotated == rope.HeadDim ? [real, imaginary] : [real, imaginary, graph.Slice($"{name}.rest", heads, -1, rotated, rope.HeadDim)];
        return graph.Reshape(name, graph.Node("Concat", $"{name}.turned", parts, OnnxGraph.Attribute("axis", -1L)), 0, 0, rope.Input.Width);
    }
}

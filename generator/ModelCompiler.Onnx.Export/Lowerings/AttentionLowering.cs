using ModelCompiler.Compiler.Graph;
using Onnx;

namespace ModelCompiler.Onnx.Export.Lowerings;

/// <summary>
/// Attention (opset 24) with past and present keys and values. A token at index p of the cache sees the indices up to p; in a layer with a
/// window only the last <c>window</c> of them, which a mask says.
/// </summary>
internal static class AttentionLowering
{
    private const TensorProto.Types.DataType Int64 = TensorProto.Types.DataType.Int64, Float = TensorProto.Types.DataType.Float;

    public static string Lower(Lowering l, string name, Attention attention)
        => l.Options.Operators == OnnxOperators.Standard ? Standard(l, name, attention) : Decomposed(l, name, attention);

    private static string Standard(Lowering l, string name, Attention a)
    {
        int layer = a.Place.Layer;
        string mask = a.Window is null ? "" : Visible(l, a.Window);
        List<AttributeProto> attributes =
        [
            OnnxGraph.Attribute("q_num_heads", a.Heads), OnnxGraph.Attribute("kv_num_heads", a.KvHeads), OnnxGraph.Attribute("scale", a.ScoreScale),
            OnnxGraph.Attribute("is_causal", a.Window is null ? 1L : 0L),
        ];
        if (a.SoftCap is double cap)
        {
            attributes.Add(OnnxGraph.Attribute("softcap", cap));
        }

        if (l.Options.Activations == OnnxActivations.F16)
        {
            attributes.Add(OnnxGraph.Attribute("softmax_precision", (long)TensorProto.Types.DataType.Float));
        }

        string output = l.Graph.Unique(name);
        l.Graph.Add(
            "Attention", name, [l[a.Query], l[a.Key], l[a.Values], mask, OnnxNames.PastKey(layer), OnnxNames.PastValue(layer)],
            [output, OnnxNames.PresentKey(layer), OnnxNames.PresentValue(layer)], [.. attributes]);
        return output;
    }

    /// <summary>
    /// The same with plain products. The queries that share a key/value head stand below one another, [batch, kvHeads, group · length, headDim],
    /// so that keys and values are not repeated. Queries are scaled, not scores, which may be too large for half precision before; softmax is float32.
    /// </summary>
    private static string Decomposed(Lowering l, string name, Attention a)
    {
        OnnxGraph graph = l.Graph;
        int group = a.Heads / a.KvHeads, layer = a.Place.Layer;
        string keys = Present(l, $"{name}.keys", l[a.Key], a, OnnxNames.PastKey(layer), OnnxNames.PresentKey(layer));
        string values = Present(l, $"{name}.values", l[a.Values], a, OnnxNames.PastValue(layer), OnnxNames.PresentValue(layer));
        string length = graph.Node("Unsqueeze", $"{name}.length", [Length(l), graph.Integers(0)]);
        string all = graph.Node("Unsqueeze", $"{name}.all", [Total(l), graph.Integers(0)]);

        string split = graph.Reshape($"{name}.split", l[a.Query], 0, 0, a.KvHeads, group, a.HeadDim);
        string queries = graph.Reshape($"{name}.queries", graph.Transpose($"{name}.grouped", split, 0, 2, 3, 1, 4), 0, 0, -1, a.HeadDim);
        string scaled = graph.Node("Mul", $"{name}.scaled", [queries, graph.Scalar(l.Type, a.ScoreScale)]);
        string scores = graph.Node("MatMul", $"{name}.scores", [scaled, graph.Transpose($"{name}.keysTransposed", keys, 0, 1, 3, 2)]);
        if (a.SoftCap is double cap)
        {
            scores = ActivationLowering.SoftCap(l, $"{name}.capped", scores, cap);
        }

        string Shape(string what, params string[] parts) => graph.Node("Concat", $"{name}.{what}", parts, OnnxGraph.Attribute("axis", 0L));
        string perToken = graph.Node("Reshape", $"{name}.perToken", [Cast(l, $"{name}.scoresF32", scores, Float), Shape("perTokenShape", graph.Integers(0, 0), graph.Integers(group), length, all)]);
        string mask = Visible(l, a.Window);
        string masked = graph.Node("Where", $"{name}.masked", [mask, perToken, graph.Scalar(Float, -1e30)]);
        string weights = graph.Node("Softmax", $"{name}.weights", [masked], OnnxGraph.Attribute("axis", -1L));
        string rows = graph.Node("Reshape", $"{name}.rows", [Cast(l, $"{name}.weightsCast", weights, l.Type), Shape("rowsShape", graph.Integers(0, 0, -1), all)]);
        string sums = graph.Node("MatMul", $"{name}.sums", [rows, values]);
        string apart = graph.Node("Reshape", $"{name}.apart", [sums, Shape("apartShape", graph.Integers(0, 0), graph.Integers(group), length, graph.Integers(a.HeadDim))]);
        return graph.Reshape(name, graph.Transpose($"{name}.together", apart, 0, 3, 1, 2, 4), 0, 0, a.Query.Width);
    }

    /// <summary>As a type; activations in float32 have it already.</summary>
    private static string Cast(Lowering l, string name, string x, TensorProto.Types.DataType type)
        => l.Type == Float ? x : l.Graph.Node("Cast", name, [x], OnnxGraph.Attribute("to", (long)type));

    /// <summary>past | new as [batch, kvHeads, past + length, headDim], which is an output of the model.</summary>
    private static string Present(Lowering l, string name, string rows, Attention a, string past, string present)
    {
        OnnxGraph graph = l.Graph;
        string heads = graph.Transpose(name, graph.Reshape($"{name}.split", rows, 0, 0, a.KvHeads, a.HeadDim), 0, 2, 1, 3);
        graph.Add("Concat", present, [past, heads], [present], OnnxGraph.Attribute("axis", 2L));
        return present;
    }

    /// <summary>bool [length, past + length]: index j of the cache is seen from token t. j ≤ past + t, and j &gt; past + t − window.</summary>
    private static string Visible(Lowering l, int? window)
    {
        string name = window is null ? "mask.causal" : $"mask.window{window}";
        return l.Once(name, () => MakeVisible(l, name, window));
    }

    private static string MakeVisible(Lowering l, string name, int? window)
    {
        OnnxGraph graph = l.Graph;
        string zero = graph.Scalar(Int64, 0), one = graph.Scalar(Int64, 1);
        string total = Total(l);
        string indices = graph.Node("Range", $"{name}.indices", [zero, total, one]);
        string own = graph.Node("Unsqueeze", $"{name}.own", [graph.Node("Range", $"{name}.tokens", [Past(l), total, one]), graph.Integers(1)]);
        string causal = graph.Node("LessOrEqual", window is null ? name : $"{name}.causal", [indices, own]);
        if (window is null)
        {
            return causal;
        }

        string first = graph.Node("Sub", $"{name}.first", [own, graph.Scalar(Int64, window.Value)]);
        return graph.Node("And", name, [causal, graph.Node("Greater", $"{name}.near", [indices, first])]);
    }

    private static string Length(Lowering l) => l.Once("length", () => l.Graph.Dimension("length", OnnxNames.Tokens, 1));

    private static string Past(Lowering l) => l.Once("past", () => l.Graph.Dimension("past", OnnxNames.PastKey(0), 2));

    private static string Total(Lowering l) => l.Once("total", () => l.Graph.Node("Add", "total", [Past(l), Length(l)]));
}

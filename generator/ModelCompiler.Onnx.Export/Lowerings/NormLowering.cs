using ModelCompiler.Compiler.Graph;
using Onnx;

namespace ModelCompiler.Onnx.Export.Lowerings;

/// <summary>RMSNormalization (opset 23) and LayerNormalization (opset 17) over the last axis, or over each head by itself.</summary>
internal static class NormLowering
{
    public static string Lower(Lowering l, string name, Norm norm)
    {
        OnnxGraph graph = l.Graph;
        long width = norm.Input.Width / norm.Groups;
        string input = l[norm.Input];
        string grouped = norm.Groups == 1 ? input : graph.Reshape($"{name}.heads", input, 0, 0, norm.Groups, width);
        string weight = l.Weights.Vector(norm.Weight, (int)width, norm.WeightOffset);
        string normed = norm.Kind == NormKind.Layer ? Layer(l, name, norm, grouped, weight)
            : l.HasStandardNorms ? graph.Node("RMSNormalization", Inner(name, norm), [grouped, weight], OnnxGraph.Attribute("axis", -1L), OnnxGraph.Attribute("epsilon", norm.Epsilon))
            : Decomposed(l, Inner(name, norm), norm, grouped, weight);
        return norm.Groups == 1 ? normed : graph.Reshape(name, normed, 0, 0, norm.Input.Width);
    }

    private static string Inner(string name, Norm norm) => norm.Groups == 1 ? name : $"{name}.normed";

    private static string Layer(Lowering l, string name, Norm norm, string input, string weight)
    {
        string[] inputs = norm.Bias is null ? [input, weight] : [input, weight, l.Weights.Vector(norm.Bias, norm.Bias.Rows, 0)];
        return l.Graph.Node("LayerNormalization", Inner(name, norm), inputs, OnnxGraph.Attribute("axis", -1L), OnnxGraph.Attribute("epsilon", norm.Epsilon));
    }

    /// <summary>x / sqrt(mean(x²) + ε) · weight, in float32.</summary>
    private static string Decomposed(Lowering l, string name, Norm norm, string input, string weight)
    {
        OnnxGraph graph = l.Graph;
        const TensorProto.Types.DataType Float = TensorProto.Types.DataType.Float;
        string x = l.Type == Float ? input : graph.Cast($"{name}.f32", input, Float);
        string squares = graph.Node("Mul", $"{name}.squares", [x, x]);
        string mean = graph.Node("ReduceMean", $"{name}.mean", [squares, graph.Integers(-1)], OnnxGraph.Attribute("keepdims", 1L));
        string root = graph.Node("Sqrt", $"{name}.root", [graph.Node("Add", $"{name}.shifted", [mean, graph.Scalar(Float, norm.Epsilon)])]);
        string divided = graph.Node("Div", $"{name}.divided", [x, root]);
        return graph.Node("Mul", name, [l.Type == Float ? divided : graph.Cast($"{name}.back", divided, l.Type), weight]);
    }
}

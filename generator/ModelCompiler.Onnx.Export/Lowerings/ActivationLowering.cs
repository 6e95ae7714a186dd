using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Onnx.Export.Lowerings;

/// <summary>Activation functions.</summary>
internal static class ActivationLowering
{
    public static string Lower(Lowering l, string name, Activation activation)
    {
        OnnxGraph graph = l.Graph;
        string x = l[activation.Input];
        return activation.Kind switch
        {
            ActivationKind.Silu => graph.Node("Mul", name, [x, graph.Node("Sigmoid", $"{name}.sigmoid", [x])]),
            ActivationKind.GeluTanh => graph.Node("Gelu", name, [x], OnnxGraph.Attribute("approximate", "tanh")),
            ActivationKind.GeluErf => graph.Node("Gelu", name, [x], OnnxGraph.Attribute("approximate", "none")),
            ActivationKind.QuickGelu => graph.Node(
                "Mul", name, [x, graph.Node("Sigmoid", $"{name}.sigmoid", [graph.Node("Mul", $"{name}.scaled", [x, graph.Scalar(l.Type, 1.702)])])]),
            ActivationKind.Relu => graph.Node("Relu", name, [x]),
            _ => throw new NotSupportedException($"The activation {activation.Kind} has no lowering to ONNX."),
        };
    }

    /// <summary>cap · tanh(x / cap).</summary>
    public static string SoftCap(Lowering l, string name, string x, double cap)
    {
        OnnxGraph graph = l.Graph;
        string ratio = graph.Node("Div", $"{name}.ratio", [x, graph.Scalar(l.Type, cap)]);
        return graph.Node("Mul", name, [graph.Node("Tanh", $"{name}.tanh", [ratio]), graph.Scalar(l.Type, cap)]);
    }
}

using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Onnx.Export.Lowerings;

/// <summary>y = x · W + b, W as [inputs, outputs].</summary>
internal static class LinearLowering
{
    public static string Lower(Lowering l, string name, Linear linear)
    {
        string weight = l.Weights.Activated(linear.Weight);
        string product = l.Graph.Node("MatMul", linear.Bias is null ? name : $"{name}.product", [l[linear.Input], weight]);
        return linear.Bias is null ? product : l.Graph.Node("Add", name, [product, l.Weights.Vector(linear.Bias, linear.Bias.Rows, 0)]);
    }
}

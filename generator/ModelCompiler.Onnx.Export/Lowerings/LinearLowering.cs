using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Onnx.Export.Weights;

namespace ModelCompiler.Onnx.Export.Lowerings;

/// <summary>y = x · W + b, W as [inputs, outputs], or, of a block format and for GPUs, as ONNX Runtime's MatMulNBits has it.</summary>
internal static class LinearLowering
{
    public static string Lower(Lowering l, string name, Linear linear)
    {
        string product = Product(l, linear.Bias is null ? name : $"{name}.product", linear);
        return linear.Bias is null ? product : l.Graph.Node("Add", name, [product, l.Weights.Vector(linear.Bias, linear.Bias.Rows, 0)]);
    }

    private static string Product(Lowering l, string name, Linear linear)
    {
        if (l.Options.Operators != OnnxOperators.Gpu || l.Weights.Blobs(linear.Weight) is not { Scales: not null } blobs)
        {
            return l.Graph.Node("MatMul", name, [l[linear.Input], l.Weights.Activated(linear.Weight)]);
        }

        return l.Graph.RuntimeNode(
            "MatMulNBits", name, [l[linear.Input], blobs.Name, blobs.Scales],
            OnnxGraph.Attribute("K", linear.Weight.Columns), OnnxGraph.Attribute("N", linear.Weight.Rows), OnnxGraph.Attribute("bits", l.Weights.Bits(linear.Weight)),
            OnnxGraph.Attribute("block_size", (long)BlockFormat.GroupInputs));
    }
}

using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>FusedInputGradient → GateGradient: a gate's gradient goes on with each tile of dh, which is then read by nobody else and never written.</summary>
internal static class FuseGradientEpilogue
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (GateGradient gate in rewriter.Operations.OfType<GateGradient>())
        {
            if (rewriter.OnlyUse<FusedInputGradient>(gate.HiddenGradient) is { } product)
            {
                rewriter.Replace(gate, product with { Output = gate.Output, Gate = gate }, product);
            }
        }

        return rewriter.Finish();
    }
}

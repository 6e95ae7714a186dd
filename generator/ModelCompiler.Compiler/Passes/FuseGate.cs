using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>Multiply(Activation(Linear x), Linear x) → GatedLinear, whichever side the gate stands on.</summary>
internal static class FuseGate
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Multiply multiply in rewriter.Operations.OfType<Multiply>())
        {
            if (!TryFuse(rewriter, multiply, multiply.Left, multiply.Right))
            {
                TryFuse(rewriter, multiply, multiply.Right, multiply.Left);
            }
        }

        return rewriter.Finish();
    }

    private static bool TryFuse(GraphRewriter rewriter, Multiply multiply, Value gated, Value other)
    {
        if (rewriter.OnlyUse<Activation>(gated) is not { } activation
            || rewriter.OnlyUse<Linear>(activation.Input) is not { } gate
            || rewriter.OnlyUse<Linear>(other) is not { } up
            || gate.Input != up.Input)
        {
            return false;
        }

        LinearPart gatePart = new(gate.Output, gate.Weight, gate.Bias);
        LinearPart upPart = new(up.Output, up.Weight, up.Bias);
        rewriter.Replace(multiply, new GatedLinear(multiply.Output, multiply.Place, gate.Input, gatePart, upPart, activation.Kind), activation, gate, up);
        return true;
    }
}

using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// Of h = f(gate) · up: the three operations of the gradient become one GateGradient, which computes f(gate) again. Where then nothing else reads f(gate),
/// Linear, Activation, Linear and Multiply become a KeptGatedLinear.
/// </summary>
internal static class FuseGateGradient
{
    public static ModelGraph Apply(ModelGraph graph) => FuseForward(FuseBackward(graph));

    private static ModelGraph FuseBackward(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (ActivationGradient activation in rewriter.Operations.OfType<ActivationGradient>())
        {
            if (rewriter.OnlyUse<Multiply>(activation.OutputGradient) is { } product
                && FindUpGradient(rewriter, activation, product) is { } upGradient)
            {
                GateGradient fused = new(activation.Output, upGradient.Output, product.Place, activation.Input, product.Right, product.Left, activation.Kind);
                rewriter.Replace(product, fused, activation, upGradient);
            }
        }

        return rewriter.Finish();
    }

    /// <summary>dup = dh · f(gate), beside <paramref name="product"/> = dh · up.</summary>
    private static Multiply? FindUpGradient(GraphRewriter rewriter, ActivationGradient activation, Multiply product)
        => rewriter.Readers(product.Left).OfType<Multiply>().FirstOrDefault(other
            => other != product && other.Left == product.Left
                && rewriter.Producer<Activation>(other.Right) is { } forward && forward.Input == activation.Input && forward.Kind == activation.Kind);

    private static ModelGraph FuseForward(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        HashSet<Parameter> trained = [.. graph.TrainedParameters];
        foreach (Multiply multiply in rewriter.Operations.OfType<Multiply>())
        {
            if (!TryFuse(rewriter, trained, multiply, multiply.Left, multiply.Right))
            {
                TryFuse(rewriter, trained, multiply, multiply.Right, multiply.Left);
            }
        }

        return rewriter.Finish();
    }

    private static bool TryFuse(GraphRewriter rewriter, HashSet<Parameter> trained, Multiply multiply, Value gated, Value other)
    {
        if (rewriter.OnlyUse<Activation>(gated) is not { } activation
            || rewriter.Producer<Linear>(activation.Input) is not { } gate
            || rewriter.Producer<Linear>(other) is not { } up
            || gate.Input != up.Input
            || trained.Contains(gate.Weight) != trained.Contains(up.Weight))
        {
            return false;
        }

        LinearPart gatePart = new(gate.Output, gate.Weight, gate.Bias);
        LinearPart upPart = new(up.Output, up.Weight, up.Bias);
        rewriter.Replace(
            multiply, new KeptGatedLinear(multiply.Output, gate.Output, up.Output, multiply.Place, gate.Input, gatePart, upPart, activation.Kind),
            activation, gate, up);
        return true;
    }
}

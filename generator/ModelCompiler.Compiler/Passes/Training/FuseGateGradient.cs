using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// The three operations of the gradient of h = f(gate) · up become one GateGradient, which computes f(gate) again: then no one need keep it. Only where dh is
/// a sum of products, which <see cref="FuseGradientEpilogue"/> lets it join.
/// </summary>
internal static class FuseGateGradient
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (ActivationGradient activation in rewriter.Operations.OfType<ActivationGradient>())
        {
            if (rewriter.OnlyUse<Multiply>(activation.OutputGradient) is { } product
                && IsOfProducts(rewriter, product.Left)
                && FindUpGradient(rewriter, activation, product) is { } upGradient)
            {
                GateGradient fused = new(activation.Output, upGradient.Output, product.Place, activation.Input, product.Right, product.Left, activation.Kind);
                rewriter.Replace(product, fused, activation, upGradient);
            }
        }

        return rewriter.Finish();
    }

    private static bool IsOfProducts(GraphRewriter rewriter, Value gradient)
        => rewriter.Producer<LinearInputGradient>(gradient) is not null
            || (rewriter.Producer<Add>(gradient) is { } sum && IsOfProducts(rewriter, sum.Left) && IsOfProducts(rewriter, sum.Right));

    /// <summary>dup = dh · f(gate), beside <paramref name="product"/> = dh · up.</summary>
    private static Multiply? FindUpGradient(GraphRewriter rewriter, ActivationGradient activation, Multiply product)
        => rewriter.Readers(product.Left).OfType<Multiply>().FirstOrDefault(other
            => other != product && other.Left == product.Left
                && rewriter.Producer<Activation>(other.Right) is { } forward && forward.Input == activation.Input && forward.Kind == activation.Kind);
}

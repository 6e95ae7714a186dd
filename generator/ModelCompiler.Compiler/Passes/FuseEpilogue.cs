using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>Linear → Activation, and Linear → Add with a residual, become one FusedLinear.</summary>
internal static class FuseEpilogue
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Operation operation in rewriter.Operations)
        {
            if (operation is Activation activation && rewriter.OnlyUse<Linear>(activation.Input) is { } linear)
            {
                rewriter.Replace(activation, Fuse(activation, linear, activation.Kind, null), linear);
            }
            else if (operation is Add add)
            {
                // By convention the right operand is the branch and the left one the stream that it joins.
                if (rewriter.OnlyUse<Linear>(add.Right) is { } right)
                {
                    rewriter.Replace(add, Fuse(add, right, null, add.Left), right);
                }
                else if (rewriter.OnlyUse<Linear>(add.Left) is { } left)
                {
                    rewriter.Replace(add, Fuse(add, left, null, add.Right), left);
                }
            }
        }

        return rewriter.Finish();
    }

    private static FusedLinear Fuse(Operation result, Linear linear, ActivationKind? activation, Value? residual)
        => new(result.Output, result.Place, linear.Input, new([new LinearPart(result.Output, linear.Weight, linear.Bias)]), activation, residual);
}

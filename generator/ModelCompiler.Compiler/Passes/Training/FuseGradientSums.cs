using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>NormGradient → Add with what flows past the norm becomes a NormGradient with a residual; Scale → EmbeddingGradient one with a factor.</summary>
internal static class FuseGradientSums
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Operation operation in rewriter.Operations)
        {
            if (operation is Add add)
            {
                if (rewriter.OnlyUse<NormGradient>(add.Right) is { Residual: null } right)
                {
                    rewriter.Replace(add, right with { Output = add.Output, Residual = add.Left }, right);
                }
                else if (rewriter.OnlyUse<NormGradient>(add.Left) is { Residual: null } left)
                {
                    rewriter.Replace(add, left with { Output = add.Output, Residual = add.Right }, left);
                }
            }
            else if (operation is EmbeddingGradient embedding && rewriter.OnlyUse<Scale>(embedding.OutputGradient) is { } scale)
            {
                rewriter.Replace(embedding, embedding with { OutputGradient = scale.Input, Factor = embedding.Factor * scale.Factor }, scale);
            }
        }

        return rewriter.Finish();
    }
}

using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>Embedding (· scale) (+ PositionEmbedding) → TokenEmbedding.</summary>
internal static class FuseEmbedding
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Operation operation in rewriter.Operations)
        {
            if (operation is Add add
                && rewriter.OnlyUse<Embedding>(add.Left) is { } tokens
                && rewriter.OnlyUse<PositionEmbedding>(add.Right) is { } positions)
            {
                rewriter.Replace(add, new TokenEmbedding(add.Output, add.Place, tokens.Table, positions.Table, positions.Offset, 1), tokens, positions);
            }
            else if (operation is Scale scale && rewriter.OnlyUse<Embedding>(scale.Input) is { } scaled)
            {
                rewriter.Replace(scale, new TokenEmbedding(scale.Output, scale.Place, scaled.Table, null, 0, scale.Factor), scaled);
            }
        }

        graph = rewriter.Finish();
        return graph with
        {
            Operations = graph.Operations
                .Select(operation => operation is Embedding plain ? new TokenEmbedding(plain.Output, plain.Place, plain.Table, null, 0, 1) : operation)
                .ToEquatable(),
        };
    }
}

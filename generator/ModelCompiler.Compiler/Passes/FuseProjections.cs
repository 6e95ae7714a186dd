using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>All remaining Linear operations become FusedLinear; those of one place that read one input become one.</summary>
internal static class FuseProjections
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (IGrouping<(Place, int), Linear> group in rewriter.Operations.OfType<Linear>().GroupBy(linear => (linear.Place, linear.Input.Id)))
        {
            Linear first = group.First();
            EquatableArray<LinearPart> parts = group.Select(linear => new LinearPart(linear.Output, linear.Weight, linear.Bias)).ToEquatable();
            rewriter.Replace(first, new FusedLinear(first.Output, first.Place, first.Input, parts, null, null), [.. group.Skip(1)]);
        }

        return rewriter.Finish();
    }
}

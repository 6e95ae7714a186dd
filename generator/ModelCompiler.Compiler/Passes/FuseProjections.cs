using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes.Training;

namespace ModelCompiler.Compiler.Passes;

/// <summary>
/// All remaining Linear operations become FusedLinear; those of one place that read one input become one, apart from where some are trained, or adapters, and others are
/// not: those lie in different memory.
/// </summary>
internal static class FuseProjections
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        HashSet<Parameter> trained = [.. graph.TrainedParameters];
        foreach (IGrouping<(Place, int, bool, bool, bool), Linear> group in rewriter.Operations.OfType<Linear>()
            .GroupBy(linear => (linear.Place, linear.Input.Id, trained.Contains(linear.Weight), InsertAdapters.Adapters.Contains(linear.Weight), linear.Bias is { } bias && trained.Contains(bias))))
        {
            Linear first = group.First();
            EquatableArray<LinearPart> parts = group.Select(linear => new LinearPart(linear.Output, linear.Weight, linear.Bias)).ToEquatable();
            rewriter.Replace(first, new FusedLinear(first.Output, first.Place, first.Input, parts, null, null), [.. group.Skip(1)]);
        }

        return rewriter.Finish();
    }
}

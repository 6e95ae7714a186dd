using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// The gradients of products whose matrices lie side by side, as the forward pass reads them (FusedLinear, GatedLinear, KeptGatedLinear), become one: their
/// WeightGradients a FusedWeightGradient, the sum of their LinearInputGradients a FusedInputGradient, with the rest of the sum as residual. Parts are in
/// the order of the matrix. None is left that is not fused.
/// </summary>
internal static class FuseGradients
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        Dictionary<Parameter, Home> homes = Homes(graph);
        return FuseInputs(FuseWeights(graph, homes), homes);
    }

    /// <summary>Weights and biases by where they lie. What is computed again for the backward pass reads the same matrices.</summary>
    private static Dictionary<Parameter, Home> Homes(ModelGraph graph)
    {
        Dictionary<Parameter, Home> homes = [];
        for (int index = 0; index < graph.Operations.Count; index++)
        {
            LinearPart[] parts = graph.Operations[index] switch
            {
                FusedLinear linear => [.. linear.Parts],
                GatedLinear gated => [gated.Gate, gated.Up],
                KeptGatedLinear gated => [gated.Gate, gated.Up],
                _ => [],
            };
            for (int part = 0; part < parts.Length; part++)
            {
                foreach (Parameter parameter in new[] { parts[part].Weight, parts[part].Bias }.OfType<Parameter>().Where(each => !homes.ContainsKey(each)))
                {
                    homes.Add(parameter, new Home(index, part));
                }
            }
        }

        return homes;
    }

    private static ModelGraph FuseWeights(ModelGraph graph, Dictionary<Parameter, Home> homes)
    {
        GraphRewriter rewriter = new(graph);
        foreach (IGrouping<(int, int), WeightGradient> group in rewriter.Operations.OfType<WeightGradient>()
            .GroupBy(gradient => (homes[gradient.Targets.First()].Matrix, gradient.Input.Id)))
        {
            WeightGradient last = group.Last(); // where the gradients of all outputs are there
            EquatableArray<GradientPart> parts = group.OrderBy(gradient => homes[gradient.Targets.First()].Part)
                .Select(gradient => new GradientPart(gradient.OutputGradient, gradient.Weight, gradient.Bias)).ToEquatable();
            rewriter.Replace(last, [new FusedWeightGradient(last.Output, last.Place, last.Input, parts)], group.Where(gradient => gradient != last));
        }

        return rewriter.Finish();
    }

    private static ModelGraph FuseInputs(ModelGraph graph, Dictionary<Parameter, Home> homes)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Operation operation in rewriter.Operations.Reverse())
        {
            Sum sum = new(rewriter);
            if (operation is LinearInputGradient or Add && !rewriter.IsGone(operation))
            {
                sum.Take(operation);
                if (sum.Products.Count > 0 && sum.Others.Count <= 1)
                {
                    rewriter.Replace(operation, Fuse(sum, operation.Output, homes), sum.Taken.Where(taken => taken != operation));
                }
            }
        }

        return rewriter.Finish();
    }

    /// <summary>One operation for each matrix, each adding to the one before.</summary>
    private static List<Operation> Fuse(Sum sum, Value output, Dictionary<Parameter, Home> homes)
    {
        List<Operation> fused = [];
        Value? residual = sum.Others.SingleOrDefault();
        IGrouping<int, LinearInputGradient>[] groups = [.. sum.Products.GroupBy(product => homes[product.Weight].Matrix)];
        foreach (IGrouping<int, LinearInputGradient> group in groups)
        {
            EquatableArray<GradientPart> parts = group.OrderBy(product => homes[product.Weight].Part)
                .Select(product => new GradientPart(product.OutputGradient, product.Weight, null)).ToEquatable();
            Value sumSoFar = group == groups[^1] ? output : group.First().Output;
            fused.Add(new FusedInputGradient(sumSoFar, group.First().Place, parts, residual));
            residual = sumSoFar;
        }

        return fused;
    }

    private readonly record struct Home(int Matrix, int Part);

    /// <summary>A tree of additions, taken apart: the products that nobody else reads, and what else is added.</summary>
    private sealed class Sum(GraphRewriter rewriter)
    {
        public List<LinearInputGradient> Products { get; } = [];

        public List<Value> Others { get; } = [];

        public List<Operation> Taken { get; } = [];

        public void Take(Operation operation)
        {
            Taken.Add(operation);
            if (operation is LinearInputGradient product)
            {
                Products.Add(product);
            }
            else if (operation is Add add)
            {
                Take(add.Left);
                Take(add.Right);
            }
        }

        private void Take(Value value)
        {
            if ((rewriter.OnlyUse<LinearInputGradient>(value) ?? (Operation?)rewriter.OnlyUse<Add>(value)) is { } operation)
            {
                Take(operation);
            }
            else
            {
                Others.Add(value);
            }
        }
    }
}

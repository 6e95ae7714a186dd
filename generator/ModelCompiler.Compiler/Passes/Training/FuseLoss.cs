using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// The head's Linear, CrossEntropy, CrossEntropyGradient, LinearInputGradient and WeightGradient become one HeadLoss, so that the logits of a whole step
/// never exist.
/// </summary>
internal static class FuseLoss
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        int next = graph.NextValueId;
        foreach (CrossEntropy loss in rewriter.Operations.OfType<CrossEntropy>())
        {
            if (rewriter.Producer<Linear>(loss.Logits) is not { Bias: null } head
                || rewriter.Readers(loss.Logits).OfType<CrossEntropyGradient>().SingleOrDefault() is not { } gradient
                || rewriter.Readers(loss.Logits).Count != 2)
            {
                continue;
            }

            IReadOnlyList<Operation> readers = rewriter.Readers(gradient.Output);
            LinearInputGradient? input = readers.OfType<LinearInputGradient>().SingleOrDefault();
            WeightGradient? weight = readers.OfType<WeightGradient>().SingleOrDefault();
            Value output = input?.Output ?? new Value(next++, loss.Output.Name + "Gradient", 0);
            rewriter.Replace(
                loss, new HeadLoss(output, loss.Output, head.Place, head.Input, head.Weight, weight is not null), head, gradient, input, weight);
        }

        return rewriter.Finish();
    }
}

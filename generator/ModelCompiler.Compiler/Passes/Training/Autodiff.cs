using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// From the forward graph to the training graph: its operations, the loss, and the operations' gradients in reverse (reverse-mode automatic
/// differentiation; Griewank and Walther 2008, chapter 3). Nothing is differentiated that leads to no trained parameter. Each operation's
/// gradient is a rule of <see cref="GradientRules"/>.
/// </summary>
internal static class Autodiff
{
    /// <exception cref="ArgumentException">No parameter of the graph is trained.</exception>
    /// <exception cref="NotSupportedException">An operation on the way to a trained parameter has no rule.</exception>
    public static ModelGraph Apply(ModelGraph graph, TrainedParameters trained)
    {
        GradientBuilder gradients = new(graph, trained);
        if (!gradients.Wants(graph.Logits))
        {
            throw new ArgumentException($"none of the {graph.Parameters.Count()} parameters of the graph is trained", nameof(trained));
        }

        Place head = graph.Operations.Last(operation => operation.Output.Id == graph.Logits.Id).Place;
        gradients.At(head);
        Value losses = gradients.Append(place => new CrossEntropy(gradients.NewValue("losses", 1), place, graph.Logits)).Output;
        gradients.At(head with { Backward = true });
        gradients.Into(graph.Logits, (value, place) => new CrossEntropyGradient(value, place, graph.Logits));
        foreach (Operation operation in graph.Operations.Reverse())
        {
            if (gradients.Of(operation.Output) is { } outputGradient)
            {
                gradients.At(operation.Place with { Backward = true });
                GradientRules.Apply(operation, outputGradient, gradients);
            }
        }

        return graph with { Operations = gradients.Operations, Losses = losses };
    }
}

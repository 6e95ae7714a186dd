using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// f(h) of a feed-forward network without a gate is wide, and h is kept in any case: its gradient reads it. So f(h) is computed again where the backward pass reads it, element by element,
/// and is not kept: a quarter of GPT-2's activations. Gates do the same: see <see cref="FuseGateGradient"/>.
/// </summary>
internal static class RecomputeActivations
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        int next = graph.NextValueId;
        HashSet<int> kept = [.. graph.Operations.OfType<ActivationGradient>().Select(gradient => gradient.Input.Id)];
        HashSet<int> gates = [.. graph.Operations.OfType<Multiply>().SelectMany(product => product.Inputs).Select(value => value.Id)];
        Dictionary<int, Activation> forward = graph.Operations.OfType<Activation>()
            .Where(activation => !activation.Place.Backward && kept.Contains(activation.Input.Id) && !gates.Contains(activation.Output.Id))
            .ToDictionary(activation => activation.Output.Id);
        Dictionary<int, Value> again = [];
        List<Operation> operations = [];
        foreach (Operation operation in graph.Operations)
        {
            if (!operation.Place.Backward)
            {
                operations.Add(operation);
                continue;
            }

            foreach (Value value in operation.Inputs)
            {
                if (forward.TryGetValue(value.Id, out Activation? activation) && !again.ContainsKey(value.Id))
                {
                    again.Add(value.Id, new Value(next++, value.Name + "Again", value.Width));
                    operations.Add(activation with { Output = again[value.Id], Place = activation.Place with { Backward = true } });
                }
            }

            operations.Add(operation.Inputs.Any(value => again.ContainsKey(value.Id))
                ? ValueSubstitution.Apply(operation, value => again.TryGetValue(value.Id, out Value? other) ? other : value)
                : operation);
        }

        return graph with { Operations = operations.ToEquatable() };
    }
}

using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// Gradient checkpointing (Chen et al., arXiv 1604.06174) for the first layers of the model: of their activations only what leaves a layer is kept. What
/// the backward pass of a layer reads of it is computed again right before. The last layers would gain nothing: memory is fullest when their backward pass
/// begins.
/// </summary>
internal static class Recompute
{
    /// <summary>For layers 0 … <paramref name="layers"/> − 1.</summary>
    public static ModelGraph Apply(ModelGraph graph, int layers)
    {
        int next = graph.NextValueId;
        List<Operation> operations = [];
        Dictionary<int, Value> again = [];
        HashSet<int> entered = [];
        foreach (Operation operation in graph.Operations)
        {
            int layer = operation.Place.Layer;
            if (!operation.Place.Backward || layer < 0 || layer >= layers)
            {
                operations.Add(operation);
                continue;
            }

            if (entered.Add(layer))
            {
                again = [];
                foreach (Operation needed in Needed(graph, layer))
                {
                    foreach (Value output in needed.Outputs)
                    {
                        again.Add(output.Id, new Value(next++, output.Name + "Again", output.Width));
                    }

                    operations.Add(ValueSubstitution.Apply(needed, Substitute) with { Place = needed.Place with { Backward = true } });
                }
            }

            operations.Add(ValueSubstitution.Apply(operation, Substitute));
        }

        return graph with { Operations = operations.ToEquatable() };

        Value Substitute(Value value) => again.TryGetValue(value.Id, out Value? other) ? other : value;
    }

    /// <summary>The forward operations of a layer that its backward operations need, in order.</summary>
    private static IEnumerable<Operation> Needed(ModelGraph graph, int layer)
    {
        HashSet<int> read = [.. graph.Operations.Where(operation => operation.Place.Layer == layer && operation.Place.Backward)
            .SelectMany(operation => operation.Inputs).Select(value => value.Id)];
        List<Operation> needed = [];
        foreach (Operation operation in graph.Operations.Where(operation => operation.Place.Layer == layer && !operation.Place.Backward).Reverse())
        {
            if (operation.Outputs.Any(output => read.Contains(output.Id)))
            {
                needed.Add(operation);
                read.UnionWith(operation.Inputs.Select(input => input.Id));
            }
        }

        needed.Reverse();
        return needed;
    }
}

using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>
/// How each value of a training graph is laid out: attention says which values are heads, and what goes element by element or row by row carries it
/// on, so that heads are padded alike wherever they occur, as inference pads them.
/// </summary>
internal sealed class TrainingLayouts
{
    private readonly Dictionary<int, int> parents = [];
    private readonly Dictionary<int, (int Groups, int Width)> layouts = [];

    public TrainingLayouts(ModelGraph graph)
    {
        foreach (Operation operation in graph.Operations)
        {
            Value[] alike = [.. Alike(operation)];
            foreach (Value value in alike)
            {
                parents[Root(value.Id)] = Root(alike[0].Id);
            }
        }

        foreach (Operation operation in graph.Operations)
        {
            foreach ((Value value, int heads) in Heads(operation, out Attention? attention))
            {
                Set(operation, value, heads, attention!.HeadDim);
            }
        }

        foreach (Quantise quantise in graph.Operations.OfType<Quantise>())
        {
            layouts[Root(quantise.Output.Id)] = (1, quantise.Format.InputFloats(quantise.Format.PadInputs(Of(quantise.Input).PaddedWidth)));
        }
    }

    /// <summary>Groups of a value, the numbers of a group, and the floats from one to the next.</summary>
    public Groups Of(Value value)
        => layouts.TryGetValue(Root(value.Id), out (int Groups, int Width) layout)
            ? new Groups(layout.Groups, layout.Width, ArenaPlanner.Pad(layout.Width))
            : Groups.Whole(value.Width);

    private static IEnumerable<Value> Alike(Operation operation) => operation switch
    {
        FusedLinear { Residual: { } residual } linear => [linear.Output, residual],
        FusedInputGradient gradient => gradient.Outputs.Concat(gradient.Elementwise),
        Norm or NormGradient or Rope or RopeGradient or Add or Multiply or Scale or SoftCap or SoftCapGradient or Activation or ActivationGradient
            => operation.Inputs.Concat(operation.Outputs),
        KeptGatedLinear gated => gated.Outputs,
        _ => [],
    };

    private static IEnumerable<(Value Value, int Heads)> Heads(Operation operation, out Attention? attention)
    {
        attention = operation switch
        {
            Attention forward => forward,
            AttentionGradient gradient => gradient.Forward,
            _ => null,
        };
        if (attention is null)
        {
            return [];
        }

        List<(Value, int)> values =
            [(attention.Query, attention.Heads), (attention.Key, attention.KvHeads), (attention.Values, attention.KvHeads), (attention.Output, attention.Heads)];
        if (operation is AttentionGradient { } backward)
        {
            values.AddRange(
            [
                (backward.OutputGradient, attention.Heads), (backward.Output, attention.Heads), (backward.KeyGradient, attention.KvHeads),
                (backward.ValuesGradient, attention.KvHeads),
            ]);
        }

        return values;
    }

    private void Set(Operation operation, Value value, int groups, int width)
    {
        int root = Root(value.Id);
        if (layouts.TryGetValue(root, out (int, int) known) && known != (groups, width))
        {
            throw new UnsupportedOperationException(operation);
        }

        layouts[root] = (groups, width);
    }

    private int Root(int id)
    {
        while (parents.TryGetValue(id, out int parent) && parent != id)
        {
            id = parent;
        }

        return id;
    }
}

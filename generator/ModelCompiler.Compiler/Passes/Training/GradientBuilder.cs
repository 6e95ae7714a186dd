using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// What gradient rules write with. A value that several operations read has several contributions to its gradient: each is added to the sum of those
/// before as soon as it is there, in the reverse order of the readers.
/// </summary>
internal sealed class GradientBuilder
{
    private readonly List<Operation> operations;
    private readonly HashSet<int> wanted = [];
    private readonly Dictionary<int, Value> gradients = [];
    private readonly Dictionary<int, int> missing = [];
    private readonly HashSet<(int Layer, string Name)> names = [];
    private int next;
    private Place place;

    public GradientBuilder(ModelGraph graph, TrainedParameters trained)
    {
        operations = [.. graph.Operations];
        next = graph.NextValueId;
        Trained = trained;
        missing[graph.Logits.Id] = 1;
        foreach (Operation operation in graph.Operations)
        {
            names.Add((operation.Place.Layer, operation.Output.Name));
            if (operation.Parameters.Any(trained.Contains) || operation.Inputs.Any(input => wanted.Contains(input.Id)))
            {
                wanted.Add(operation.Output.Id);
                foreach (Value input in operation.Inputs)
                {
                    missing[input.Id] = Missing(input) + 1;
                }
            }
        }
    }

    /// <summary>Which parameters get a gradient.</summary>
    public TrainedParameters Trained { get; }

    /// <summary>Forward and backward so far.</summary>
    public EquatableArray<Operation> Operations => operations.ToEquatable();

    /// <summary>What follows belongs to this place.</summary>
    public void At(Place here) => place = here;

    /// <summary>The sum of the contributions to a value's gradient, or null when there is none.</summary>
    public Value? Of(Value value) => gradients.TryGetValue(value.Id, out Value? gradient) ? gradient : null;

    /// <summary>Whether a value depends on a trained parameter.</summary>
    public bool Wants(Value value) => wanted.Contains(value.Id);

    /// <summary>Contributes what an operation gives to a value's gradient; the operation is not made where the gradient is not wanted.</summary>
    public void Into(Value value, Func<Value, Place, Operation> make)
    {
        if (Wants(value))
        {
            Into(value, Append(place => make(NewGradient(value), place)).Output);
        }
    }

    /// <summary>Contributes a gradient that is there already.</summary>
    public void Into(Value value, Value gradient)
    {
        if (Wants(value))
        {
            missing[value.Id]--;
            gradients[value.Id] = Of(value) is { } sum
                ? Append(place => new Add(NewValue(GradientName(value) + (Missing(value) == 0 ? "" : "Sum"), value.Width), place, sum, gradient)).Output
                : gradient;
        }
    }

    /// <summary>Appends what adds to parameters' gradients.</summary>
    public void Parameters(Operation forward, Func<Value, Place, ParameterGradient> make)
        => Append(place => make(NewValue($"{GradientName(forward.Output)}Parameters", 0), place));

    /// <summary>A value of the width of <paramref name="value"/>, for what is about to be contributed to its gradient.</summary>
    public Value NewGradient(Value value)
        => NewValue(GradientName(value) + (Of(value) is null && Missing(value) <= 1 ? "" : "Part"), value.Width);

    /// <summary>A value, its name made unique in its layer.</summary>
    public Value NewValue(string name, int width)
    {
        string unique = name;
        for (int number = 2; !names.Add((place.Layer, unique)); number++)
        {
            unique = name + number;
        }

        return new Value(next++, unique, width);
    }

    /// <summary>Appends an operation of the current place.</summary>
    public T Append<T>(Func<Place, T> make)
        where T : Operation
    {
        T operation = make(place);
        operations.Add(operation);
        return operation;
    }

    /// <summary>How many contributions to a value's gradient are still to come.</summary>
    private int Missing(Value value) => missing.TryGetValue(value.Id, out int count) ? count : 0;

    private static string GradientName(Value value) => "d" + char.ToUpperInvariant(value.Name[0]) + value.Name[1..];
}

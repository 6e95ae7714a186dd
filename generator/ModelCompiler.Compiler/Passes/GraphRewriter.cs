using System.Runtime.CompilerServices;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>Lookups over a graph, and the one kind of edit that fusion needs: put one operation in the place of several.</summary>
internal sealed class GraphRewriter
{
    private readonly ModelGraph graph;
    private readonly Dictionary<int, Operation> producers = [];
    private readonly Dictionary<int, int> uses = [];
    private readonly HashSet<Operation> removed = new(IdentityComparer.Instance);
    private readonly Dictionary<Operation, Operation> replaced = new(IdentityComparer.Instance);

    public GraphRewriter(ModelGraph graph)
    {
        this.graph = graph;
        uses[graph.Logits.Id] = 1;
        foreach (Operation operation in graph.Operations)
        {
            foreach (Value output in operation.Outputs)
            {
                producers[output.Id] = operation;
            }

            foreach (Value input in operation.Inputs)
            {
                uses[input.Id] = uses.TryGetValue(input.Id, out int count) ? count + 1 : 1;
            }
        }
    }

    public IEnumerable<Operation> Operations => graph.Operations;

    /// <summary>The operation that writes a value, when it is of type T and nobody but the asker reads the value.</summary>
    public T? OnlyUse<T>(Value value)
        where T : Operation
        => uses[value.Id] == 1 && producers.TryGetValue(value.Id, out Operation? producer) && producer is T match && !removed.Contains(match)
            ? match
            : null;

    /// <summary>Whether exactly one operation reads a value, so that it may be changed in place.</summary>
    public bool ReadOnce(Value value) => uses[value.Id] == 1;

    /// <summary><paramref name="replacement"/> takes the place of <paramref name="original"/>; <paramref name="absorbed"/> go.</summary>
    public void Replace(Operation original, Operation replacement, params Operation?[] absorbed)
    {
        replaced[original] = replacement;
        foreach (Operation operation in absorbed.OfType<Operation>())
        {
            removed.Add(operation);
        }
    }

    public ModelGraph Finish()
        => graph with
        {
            Operations = graph.Operations
                .Where(operation => !removed.Contains(operation))
                .Select(operation => replaced.TryGetValue(operation, out Operation? other) ? other : operation)
                .ToEquatable(),
        };

    /// <summary>Two equal records at two places are two operations.</summary>
    private sealed class IdentityComparer : IEqualityComparer<Operation>
    {
        public static readonly IdentityComparer Instance = new();

        public bool Equals(Operation x, Operation y) => ReferenceEquals(x, y);

        public int GetHashCode(Operation operation) => RuntimeHelpers.GetHashCode(operation);
    }
}

using System.Runtime.CompilerServices;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>Lookups over a graph, and the one kind of edit that fusion needs: put one operation, or a few, in the place of several.</summary>
internal sealed class GraphRewriter
{
    private readonly ModelGraph graph;
    private readonly Dictionary<int, Operation> producers = [];
    private readonly Dictionary<int, List<Operation>> readers = [];
    private readonly HashSet<Operation> removed = new(IdentityComparer.Instance);
    private readonly Dictionary<Operation, IReadOnlyList<Operation>> replaced = new(IdentityComparer.Instance);

    public GraphRewriter(ModelGraph graph)
    {
        this.graph = graph;
        foreach (Operation operation in graph.Operations)
        {
            foreach (Value output in operation.Outputs)
            {
                producers[output.Id] = operation;
                readers[output.Id] = [];
            }

            foreach (Value input in operation.Inputs)
            {
                readers[input.Id].Add(operation);
            }
        }
    }

    public IEnumerable<Operation> Operations => graph.Operations;

    /// <summary>The operation that writes a value, when it is of type T and neither gone nor replaced.</summary>
    public T? Producer<T>(Value value)
        where T : Operation
        => producers[value.Id] is T match && !IsGone(match) ? match : null;

    /// <summary>The same, when nobody but the asker reads the value.</summary>
    public T? OnlyUse<T>(Value value)
        where T : Operation
        => ReadOnce(value) ? Producer<T>(value) : null;

    /// <summary>Whether exactly one operation reads a value, so that it may be changed in place.</summary>
    public bool ReadOnce(Value value) => readers[value.Id].Count == 1 && value.Id != graph.Result.Id;

    /// <summary>The operations that read a value, in order; one that reads it twice stands there twice.</summary>
    public IReadOnlyList<Operation> Readers(Value value) => readers[value.Id];

    /// <summary>Whether an operation was replaced or absorbed.</summary>
    public bool IsGone(Operation operation) => removed.Contains(operation) || replaced.ContainsKey(operation);

    /// <summary><paramref name="replacement"/> takes the place of <paramref name="original"/>; <paramref name="absorbed"/> go.</summary>
    public void Replace(Operation original, Operation replacement, params Operation?[] absorbed) => Replace(original, [replacement], absorbed);

    /// <summary><paramref name="replacements"/> take the place of <paramref name="original"/>; <paramref name="absorbed"/> go.</summary>
    public void Replace(Operation original, IReadOnlyList<Operation> replacements, IEnumerable<Operation?> absorbed)
    {
        replaced[original] = replacements;
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
                .SelectMany(operation => replaced.TryGetValue(operation, out IReadOnlyList<Operation>? others) ? others : [operation])
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

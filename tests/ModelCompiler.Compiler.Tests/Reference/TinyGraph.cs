using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Reference;

namespace ModelCompiler.Compiler.Tests.Reference;

/// <summary>A graph of a few operations, made by hand: token embeddings first, the value under test last.</summary>
internal sealed class TinyGraph : IParameterSource
{
    private readonly Dictionary<string, float[]> numbers = [];
    private readonly List<Operation> operations = [];
    private readonly List<RopeTable> ropeTables = [];

    public static Place Place { get; } = new(0, Section.Attention);

    public Parameter Parameter(string name, int rows, int columns, params float[] values)
    {
        Assert.Equal(rows * columns, values.Length);
        numbers.Add(name, values);
        return new(name, rows, columns, new TensorInfo(name, TensorType.F32, new[] { rows, columns }.ToEquatable(), "", 0, 4 * values.Length));
    }

    /// <summary>Row t of <paramref name="rows"/> is the vector of token t.</summary>
    public Value Tokens(string name, params float[][] rows)
    {
        Value value = Value(name, rows[0].Length);
        Parameter table = Parameter(name, rows.Length, rows[0].Length, [.. rows.SelectMany(row => row)]);
        return Then(new Embedding(value, Place, table));
    }

    public Value Value(string name, int width) => new(operations.Count, name, width);

    public Value Then(Operation operation)
    {
        operations.Add(operation);
        return operation.Output;
    }

    public int Rope(RopeTable table)
    {
        ropeTables.Add(table);
        return ropeTables.Count - 1;
    }

    /// <summary>The last value for tokens 0, 1, …, <paramref name="tokens"/> − 1.</summary>
    public double[] Run(int tokens)
    {
        Dimensions dimensions = new(1, 1, 1, 1, 1, 1, tokens, tokens, -1, EquatableArray<int>.Empty);
        ModelGraph graph = new("tiny", dimensions, operations.ToEquatable(), operations[^1].Output, ropeTables.ToEquatable());
        return new ReferenceInterpreter(graph, this).Run(Enumerable.Range(0, tokens).ToArray());
    }

    public void Read(Parameter parameter, int firstRow, int rows, Span<float> destination)
        => numbers[parameter.Name].AsSpan(firstRow * parameter.Columns, rows * parameter.Columns).CopyTo(destination);
}

using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Reference;

/// <summary>
/// A graph carried out in double precision, one operation after the other, with plain loops: the oracle that everything
/// else is measured against. Positions count from 0; all tokens of a sequence are given at once.
/// Not for several threads at once.
/// </summary>
/// <param name="graph">The graph as mapped, before fusion.</param>
/// <param name="parameters">Its weights; as a format rounded them, where that is to be part of the model (<see cref="RoundedParameters"/>).</param>
/// <param name="layout">Where given, the inputs of products in a block format are rounded to integers, as kernels do; else nothing is.</param>
/// <param name="cache">What keys and values are rounded to before attention reads them; null, as f32: they are not.</param>
/// <param name="witness">Where given, what lies in the middle between two steps is rounded as an engine rounded it: for one sequence, whose tokens that engine read.</param>
public sealed class ReferenceInterpreter(ModelGraph graph, IParameterSource parameters, PackedWeights? layout = null, CacheFormat? cache = null, RoundingWitness? witness = null)
{
    private readonly ReferenceOperations operations = new(graph, parameters, layout, cache, witness);

    /// <summary>The graph that is interpreted.</summary>
    public ModelGraph Graph => graph;

    /// <summary>
    /// Logits [tokens × vocab], row by row. <paramref name="observe"/> receives the output of every operation as soon as it is
    /// known, as [tokens × width]; the array must not be changed.
    /// </summary>
    /// <exception cref="ArgumentException">A token outside the vocabulary, or more tokens than the context holds.</exception>
    public double[] Run(ReadOnlySpan<int> tokens, Action<Operation, double[]>? observe = null)
    {
        int[] sequence = operations.CheckTokens(tokens);
        Dictionary<int, double[]> values = [];
        foreach (Operation operation in graph.Operations)
        {
            double[] result = operations.Evaluate(operation, sequence, values);
            values.Add(operation.Output.Id, result);
            observe?.Invoke(operation, result);
        }

        return values[graph.Logits.Id];
    }

    /// <summary>Every value [tokens × width] by layer (−1 outside the layers) and name, the logits among them.</summary>
    public IReadOnlyDictionary<(int Layer, string Name), double[]> RunAll(ReadOnlySpan<int> tokens)
    {
        Dictionary<(int Layer, string Name), double[]> values = [];
        Run(tokens, (operation, numbers) => values.Add((operation.Place.Layer, operation.Output.Name), numbers));
        return values;
    }
}

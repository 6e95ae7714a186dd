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
public sealed class ReferenceInterpreter(ModelGraph graph, IParameterSource parameters, PackedWeights? layout = null, CacheFormat? cache = null)
{
    private readonly Dictionary<Parameter, PackedMatrix> quantised = ReferenceQuantise.Matrices(layout);
    private readonly Dictionary<Parameter, float[]> loaded = [];

    /// <summary>The graph that is interpreted.</summary>
    public ModelGraph Graph => graph;

    /// <summary>
    /// Logits [tokens × vocab], row by row. <paramref name="observe"/> receives the output of every operation as soon as it is
    /// known, as [tokens × width]; the array must not be changed.
    /// </summary>
    /// <exception cref="ArgumentException">A token outside the vocabulary, or more tokens than the context holds.</exception>
    public double[] Run(ReadOnlySpan<int> tokens, Action<Operation, double[]>? observe = null)
    {
        int[] sequence = CheckTokens(tokens);
        Dictionary<int, double[]> values = [];
        foreach (Operation operation in graph.Operations)
        {
            double[] result = Evaluate(operation, sequence, values);
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

    private double[] Evaluate(Operation operation, int[] tokens, Dictionary<int, double[]> values)
    {
        double[] Of(Value value) => values[value.Id];
        return operation switch
        {
            Embedding embedding => ReferenceEmbedding.Apply(embedding, tokens, Load(embedding.Table)),
            PositionEmbedding positions => ReferenceEmbedding.Apply(positions, tokens.Length, Load(positions.Table)),
            Norm norm => ReferenceNorm.Apply(norm, Of(norm.Input), LoadOptional(norm.Weight), LoadOptional(norm.Bias)),
            Linear linear => ReferenceLinear.Apply(linear, InputOf(linear, values), Load(linear.Weight), LoadOptional(linear.Bias)),
            Rope rope => ReferenceRope.Apply(rope, Of(rope.Input), graph.RopeTables[rope.Table]),
            Attention attention => ReferenceAttention.Apply(attention, Of(attention.Query), Cached(attention, Of(attention.Key)), Cached(attention, Of(attention.Values))),
            Activation activation => ReferenceActivation.Apply(activation.Kind, Of(activation.Input)),
            Add add => ReferenceElementwise.Add(Of(add.Left), Of(add.Right)),
            Multiply multiply => ReferenceElementwise.Multiply(Of(multiply.Left), Of(multiply.Right)),
            Scale scale => ReferenceElementwise.Scale(Of(scale.Input), scale.Factor),
            SoftCap softCap => ReferenceElementwise.SoftCap(Of(softCap.Input), softCap.Cap),
            _ => throw new NotSupportedException(
                $"The reference has no equation for '{operation.GetType().Name}'; it interprets the graph before fusion."),
        };
    }

    private double[] Cached(Attention attention, double[] heads) => cache is null or F32Cache ? heads : ReferenceCache.Round(cache, heads, attention.HeadDim);

    private double[] InputOf(Linear linear, Dictionary<int, double[]> values)
        => quantised.TryGetValue(linear.Weight, out PackedMatrix? matrix)
            ? ReferenceQuantise.Apply(values[linear.Input.Id], linear.Weight.Columns, matrix)
            : values[linear.Input.Id];

    private float[] Load(Parameter parameter)
    {
        if (!loaded.TryGetValue(parameter, out float[]? values))
        {
            values = new float[(long)parameter.Rows * parameter.Columns];
            parameters.Read(parameter, 0, parameter.Rows, values);
            loaded.Add(parameter, values);
        }

        return values;
    }

    private float[]? LoadOptional(Parameter? parameter) => parameter is null ? null : Load(parameter);

    private int[] CheckTokens(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length > graph.Dimensions.ContextLength)
        {
            throw new ArgumentException($"{tokens.Length} tokens, but the context holds {graph.Dimensions.ContextLength}", nameof(tokens));
        }

        foreach (int token in tokens)
        {
            if (token < 0 || token >= graph.Dimensions.Vocab)
            {
                throw new ArgumentException($"token {token} is not in the vocabulary 0 … {graph.Dimensions.Vocab - 1}", nameof(tokens));
            }
        }

        return tokens.ToArray();
    }
}

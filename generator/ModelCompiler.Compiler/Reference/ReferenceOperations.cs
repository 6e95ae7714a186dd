using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Reference;

/// <summary>The forward operations of a graph, one at a time, with the numbers of their parameters. What the interpreters have in common.</summary>
internal sealed class ReferenceOperations(ModelGraph graph, IParameterSource parameters, PackedWeights? layout, CacheFormat? cache, RoundingWitness? witness = null)
{
    private readonly Dictionary<Parameter, PackedMatrix> quantised = ReferenceQuantise.Matrices(layout);
    private readonly Dictionary<Parameter, float[]> loaded = [];

    /// <summary>The output [tokens × width] of an operation, from the <paramref name="values"/> of those before it.</summary>
    /// <exception cref="NotSupportedException">A fused operation, or one that no interpreter knows.</exception>
    public double[] Evaluate(Operation operation, int[] tokens, IReadOnlyDictionary<int, double[]> values)
    {
        double[] Of(Value value) => values[value.Id];
        return operation switch
        {
            Embedding embedding => ReferenceEmbedding.Apply(embedding, tokens, Load(embedding.Table)),
            PositionEmbedding positions => ReferenceEmbedding.Apply(positions, tokens.Length, Load(positions.Table)),
            Norm norm => ReferenceNorm.Apply(norm, Of(norm.Input), LoadOptional(norm.Weight), LoadOptional(norm.Bias)),
            Linear linear => ReferenceLinear.Apply(linear, InputOf(linear, Of(linear.Input)), Load(linear.Weight), LoadOptional(linear.Bias)),
            Rope rope => ReferenceRope.Apply(rope, Of(rope.Input), graph.RopeTables[rope.Table]),
            Attention attention => ReferenceAttention.Apply(attention, Of(attention.Query), Cached(attention, attention.Key, Of(attention.Key)), Cached(attention, attention.Values, Of(attention.Values))),
            Activation activation => ReferenceActivation.Apply(activation.Kind, Of(activation.Input)),
            Add add => ReferenceElementwise.Add(Of(add.Left), Of(add.Right)),
            Multiply multiply => ReferenceElementwise.Multiply(Of(multiply.Left), Of(multiply.Right)),
            Scale scale => ReferenceElementwise.Scale(Of(scale.Input), scale.Factor),
            SoftCap softCap => ReferenceElementwise.SoftCap(Of(softCap.Input), softCap.Cap),
            _ => throw new NotSupportedException(
                $"The reference has no equation for '{operation.GetType().Name}'; it interprets the graph before fusion."),
        };
    }

    /// <summary>The numbers of a parameter [rows × columns], read once.</summary>
    public float[] Load(Parameter parameter)
    {
        if (!loaded.TryGetValue(parameter, out float[]? values))
        {
            values = new float[(long)parameter.Rows * parameter.Columns];
            parameters.Read(parameter, 0, parameter.Rows, values);
            loaded.Add(parameter, values);
        }

        return values;
    }

    /// <summary>The same, or null where there is no parameter.</summary>
    public float[]? LoadOptional(Parameter? parameter) => parameter is null ? null : Load(parameter);

    /// <summary>The tokens as an array, when the model takes them.</summary>
    /// <exception cref="ArgumentException">A token outside the vocabulary, or more tokens than the context holds.</exception>
    public int[] CheckTokens(ReadOnlySpan<int> tokens)
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

    private double[] Cached(Attention attention, Value value, double[] heads) => cache is null or F32Cache
        ? heads
        : witness?.RoundCached(value, heads, attention.HeadDim, cache) ?? ReferenceCache.Round(cache, heads, attention.HeadDim);

    private double[] InputOf(Linear linear, double[] input)
        => !quantised.TryGetValue(linear.Weight, out PackedMatrix? matrix)
            ? input
            : witness?.RoundInput(linear.Input, input, matrix) ?? ReferenceQuantise.Apply(input, linear.Weight.Columns, matrix);
}

namespace ModelCompiler.Compiler.Graph.Training;

/// <summary>
/// Adds to the gradients of parameters. Its output is a value of width 0: what it computes lies not among the activations but beside
/// the parameters, and stays there over several micro-batches. Rows (tokens) are added in order, whatever the threads.
/// </summary>
public abstract record ParameterGradient(Value Output, Place Place) : Operation(Output, Place)
{
    /// <inheritdoc/>
    public abstract override IEnumerable<Parameter> Targets { get; }
}

/// <summary>dW[out × in] += dyᵀ · x; db[out] += Σ_t dy[t].</summary>
public sealed record WeightGradient(Value Output, Place Place, Value Input, Value OutputGradient, Parameter? Weight, Parameter? Bias)
    : ParameterGradient(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input, OutputGradient];
    public override IEnumerable<Parameter> Targets => new[] { Weight, Bias }.OfType<Parameter>();
}

/// <summary>dweight += Σ_t dy[t] · n[t], dbias += Σ_t dy[t]; n: the normalised input, as <see cref="NormGradient"/> tells. Groups are added in order within a row.</summary>
public sealed record NormParameterGradient(Value Output, Place Place, Norm Forward, Value OutputGradient, Parameter? Weight, Parameter? Bias)
    : ParameterGradient(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Forward.Input, OutputGradient];
    public override IEnumerable<Parameter> Targets => new[] { Weight, Bias }.OfType<Parameter>();
}

/// <summary>dtable[token[t]] += dy[t] · factor.</summary>
public sealed record EmbeddingGradient(Value Output, Place Place, Value OutputGradient, Parameter Table, double Factor = 1)
    : ParameterGradient(Output, Place)
{
    public override IEnumerable<Value> Inputs => [OutputGradient];
    public override IEnumerable<Parameter> Targets => [Table];
}

/// <summary>dtable[position[t] + offset] += dy[t].</summary>
public sealed record PositionEmbeddingGradient(Value Output, Place Place, Value OutputGradient, Parameter Table, int Offset)
    : ParameterGradient(Output, Place)
{
    public override IEnumerable<Value> Inputs => [OutputGradient];
    public override IEnumerable<Parameter> Targets => [Table];
}

namespace ModelCompiler.Compiler.Graph;

/// <summary>A typed operation. Shapes in the summaries are per step: T tokens.</summary>
public abstract record Operation(Value Output, Place Place)
{
    /// <summary>The activations that it reads.</summary>
    public abstract IEnumerable<Value> Inputs { get; }

    /// <summary>The trained parameters that it reads.</summary>
    public virtual IEnumerable<Parameter> Parameters => [];

    /// <summary>The parameters whose gradients it adds to.</summary>
    public virtual IEnumerable<Parameter> Targets => [];

    /// <summary>Every activation that it writes; one, unless a pass fused several operations.</summary>
    public virtual IEnumerable<Value> Outputs => [Output];
}

/// <summary>y[t] = table[token[t]]. Table: [vocab × dim].</summary>
public sealed record Embedding(Value Output, Place Place, Parameter Table) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [];
    public override IEnumerable<Parameter> Parameters => [Table];
}

/// <summary>y[t] = table[position[t] + offset]: learned positions. Table: [positions × dim].</summary>
public sealed record PositionEmbedding(Value Output, Place Place, Parameter Table, int Offset = 0) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [];
    public override IEnumerable<Parameter> Parameters => [Table];
}

/// <summary>y = a + b, element by element (a residual connection, or token plus position).</summary>
public sealed record Add(Value Output, Place Place, Value Left, Value Right) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Left, Right];
}

/// <summary>y = x · factor.</summary>
public sealed record Scale(Value Output, Place Place, Value Input, double Factor) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
}

/// <summary>Which statistics a normalisation divides by.</summary>
public enum NormKind
{
    /// <summary>y = x / sqrt(mean(x²) + ε) · (weight + weightOffset). arXiv 1910.07467.</summary>
    Rms,

    /// <summary>y = (x − mean(x)) / sqrt(var(x) + ε) · weight + bias. arXiv 1607.06450.</summary>
    Layer,
}

/// <summary>
/// Normalises each of <paramref name="Groups"/> equal parts of a row by itself (1: the row; heads: q/k norm). The weight has
/// the length of one part. <paramref name="WeightOffset"/> is 1 where the published weight is stored minus one (Gemma).
/// </summary>
public sealed record Norm(
    Value Output, Place Place, Value Input, NormKind Kind, double Epsilon, Parameter? Weight, Parameter? Bias = null,
    int Groups = 1, double WeightOffset = 0) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Parameter> Parameters
        => new[] { Weight, Bias }.OfType<Parameter>();
}

/// <summary>y[T × out] = x[T × in] · Wᵀ + b. Weight: [out × in].</summary>
public sealed record Linear(Value Output, Place Place, Value Input, Parameter Weight, Parameter? Bias = null) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Parameter> Parameters => Bias is null ? [Weight] : [Weight, Bias];
}

/// <summary>Turns the first <c>RotatedWidth</c> elements of each of <paramref name="Heads"/> heads by the token's position.</summary>
public sealed record Rope(Value Output, Place Place, Value Input, int Heads, int HeadDim, int Table) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
}

/// <summary>
/// Scaled dot-product attention of each token over itself and its past:
/// o = softmax(cap(q·kᵀ · scale)) · v, head h reading key/value head h / (heads / kvHeads).
/// Keys and values join the cache of <c>Place.Layer</c>. arXiv 1706.03762; grouped queries arXiv 2305.13245.
/// </summary>
/// <param name="Output">[T × heads·headDim].</param>
/// <param name="Place">The layer whose cache it keeps.</param>
/// <param name="Query">[T × heads·headDim], already rotated.</param>
/// <param name="Key">[T × kvHeads·headDim], already rotated.</param>
/// <param name="Values">[T × kvHeads·headDim].</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KvHeads">Key/value heads; divides <paramref name="Heads"/>.</param>
/// <param name="HeadDim">Size of a head.</param>
/// <param name="ScoreScale">What scores are multiplied with, usually 1/√headDim.</param>
/// <param name="Window">A token sees the last <c>Window</c> positions, itself included; null: all.</param>
/// <param name="SoftCap">Scores become cap · tanh(score / cap); null: as they are.</param>
public sealed record Attention(
    Value Output, Place Place, Value Query, Value Key, Value Values, int Heads, int KvHeads, int HeadDim,
    double ScoreScale, int? Window = null, double? SoftCap = null) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Query, Key, Values];
}

/// <summary>The activation functions, by their names in published configs.</summary>
public enum ActivationKind
{
    /// <summary>x · sigmoid(x).</summary>
    Silu,

    /// <summary>0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))): gelu_new, gelu_pytorch_tanh.</summary>
    GeluTanh,

    /// <summary>0.5 x (1 + erf(x/√2)): gelu.</summary>
    GeluErf,

    /// <summary>x · sigmoid(1.702 x).</summary>
    QuickGelu,

    /// <summary>max(x, 0).</summary>
    Relu,
}

/// <summary>y = f(x), element by element.</summary>
public sealed record Activation(Value Output, Place Place, Value Input, ActivationKind Kind) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
}

/// <summary>y = a · b, element by element (the gate of a gated feed-forward network).</summary>
public sealed record Multiply(Value Output, Place Place, Value Left, Value Right) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Left, Right];
}

/// <summary>y = cap · tanh(x / cap).</summary>
public sealed record SoftCap(Value Output, Place Place, Value Input, double Cap) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
}

using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Graph;

/// <summary>x[t] = (table[token[t]] + positions[position[t] + offset]) · scale. Made by the passes from Embedding, PositionEmbedding, Add, Scale.</summary>
public sealed record TokenEmbedding(
    Value Output, Place Place, Parameter Table, Parameter? Positions, int PositionOffset, double Factor) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [];
    public override IEnumerable<Parameter> Parameters => Positions is null ? [Table] : [Table, Positions];
}

/// <summary>One of the products that a <see cref="FusedLinear"/> computes from the same input.</summary>
public sealed record LinearPart(Value Output, Parameter Weight, Parameter? Bias);

/// <summary>
/// y_i = f(W_i · x + b_i) (+ residual) for one or several parts with one input (q, k and v). An activation or a residual
/// occurs with a single part only.
/// </summary>
public sealed record FusedLinear(
    Value Output, Place Place, Value Input, EquatableArray<LinearPart> Parts, ActivationKind? Activation, Value? Residual)
    : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => Residual is null ? [Input] : [Input, Residual];
    public override IEnumerable<Value> Outputs => Parts.Count == 1 ? [Output] : Parts.Select(part => part.Output);
    public override IEnumerable<Parameter> Parameters => Parts.SelectMany(part => new[] { part.Weight, part.Bias }.OfType<Parameter>());
}

/// <summary>y = f(Wg · x + bg) · (Wu · x + bu): the first half of a gated feed-forward network. arXiv 2002.05202.</summary>
public sealed record GatedLinear(Value Output, Place Place, Value Input, LinearPart Gate, LinearPart Up, ActivationKind Activation)
    : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Parameter> Parameters
        => new[] { Gate.Weight, Gate.Bias, Up.Weight, Up.Bias }.OfType<Parameter>();
}

/// <summary>A normalisation of each head by itself, as <see cref="FusedAttention"/> applies it to queries or keys.</summary>
public sealed record HeadNorm(Parameter? Weight, double Epsilon, double WeightOffset);

/// <summary>
/// <see cref="Attention"/> with what prepares queries and keys: per-head norm, then rotation. Queries, keys and values are
/// as the projection wrote them.
/// </summary>
public sealed record FusedAttention(
    Value Output, Place Place, Value Query, Value Key, Value Values, Attention Definition,
    HeadNorm? QueryNorm, HeadNorm? KeyNorm, int? RopeTable) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Query, Key, Values];
    public override IEnumerable<Parameter> Parameters
        => new[] { QueryNorm?.Weight, KeyNorm?.Weight }.OfType<Parameter>();
}

/// <summary>
/// The input of products in a block format, as integers: for each group of 32 (of the padded row), scale = max |x| / 127 and
/// q = round(x / scale), ties to even. Once for each row, shared by all products that read it.
/// </summary>
public sealed record Quantise(Value Output, Place Place, Value Input, BlockFormat Format) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
}

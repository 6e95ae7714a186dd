namespace ModelCompiler.Compiler.Graph.Training;

/// <summary>
/// loss[t] = log Σ e^logits[t] − logits[t, target[t]]: how surprising the next token was, in nats. 0 where a token has no target.
/// Targets are an input of the step, as tokens are.
/// </summary>
public sealed record CrossEntropy(Value Output, Place Place, Value Logits) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Logits];
}

/// <summary>
/// Where the backward pass begins: dlogits[t] = (softmax(logits[t]) − onehot(target[t])) · lossScale; 0 where a token has no target.
/// lossScale is an input of the step: 1 / the targets of all micro-batches that share an update.
/// </summary>
public sealed record CrossEntropyGradient(Value Output, Place Place, Value Logits) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Logits];
}

/// <summary>dx[T × in] = dy[T × out] · W, of y = x · Wᵀ + b.</summary>
public sealed record LinearInputGradient(Value Output, Place Place, Value OutputGradient, Parameter Weight) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [OutputGradient];
    public override IEnumerable<Parameter> Parameters => [Weight];
}

/// <summary>
/// dx of a <see cref="Norm"/>, group by group, with n = (x − m) · r, r = 1 / √(var + ε), g = dy · (weight + weightOffset):
/// RMS dx = r · (g − n · mean(g · n)); layer dx = r · (g − mean(g) − n · mean(g · n)). With a <paramref name="Residual"/> (made by a pass): + residual.
/// </summary>
public sealed record NormGradient(Value Output, Place Place, Norm Forward, Value OutputGradient, Value? Residual = null) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => Residual is null ? [Forward.Input, OutputGradient] : [Forward.Input, OutputGradient, Residual];
    public override IEnumerable<Parameter> Parameters => Forward.Weight is null ? [] : [Forward.Weight];
}

/// <summary>dx of a <see cref="Rope"/>: turns back by the same angle.</summary>
public sealed record RopeGradient(Value Output, Place Place, Value OutputGradient, Rope Forward) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [OutputGradient];
}

/// <summary>
/// dq (<see cref="Operation.Output"/>), dk and dv of an <see cref="Attention"/>. With s = q·kᵀ · scale, p = softmax(cap(s)):
/// dv = pᵀ·do, dp = do·vᵀ, dc = p · (dp − Σ p · dp), ds = dc · cap'(s), dq = ds·k · scale, dk = dsᵀ·q · scale. The scores are computed
/// again, from q and k. FlashAttention, arXiv 2205.14135, appendix B.
/// </summary>
public sealed record AttentionGradient(
    Value Output, Value KeyGradient, Value ValuesGradient, Place Place, Attention Forward, Value OutputGradient) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Forward.Query, Forward.Key, Forward.Values, OutputGradient];
    public override IEnumerable<Value> Outputs => [Output, KeyGradient, ValuesGradient];
}

/// <summary>dx = dy · f'(x), element by element.</summary>
public sealed record ActivationGradient(Value Output, Place Place, Value Input, Value OutputGradient, ActivationKind Kind) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input, OutputGradient];
}

/// <summary>dx = dy · (1 − tanh²(x / cap)).</summary>
public sealed record SoftCapGradient(Value Output, Place Place, Value Input, Value OutputGradient, double Cap) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input, OutputGradient];
}

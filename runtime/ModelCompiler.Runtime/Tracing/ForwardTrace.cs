using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Tracing;

/// <summary>
/// What a model computed on its way through some tokens: their state behind every layer, and who attended to whom. Layers, heads and tokens count from 0.
/// Spans are views of the trace's own memory, good as long as they are kept.
/// </summary>
public sealed class ForwardTrace
{
    private readonly CompiledModel model;
    private readonly StepTrace trace;
    private readonly int[] tokens;

    internal ForwardTrace(CompiledModel model, StepTrace trace, int[] tokens, int firstPosition)
    {
        this.model = model;
        this.trace = trace;
        this.tokens = tokens;
        FirstPosition = firstPosition;
    }

    /// <summary>The traced tokens.</summary>
    public ReadOnlySpan<int> Tokens => tokens;

    /// <summary>Position of the first of them in its sequence.</summary>
    public int FirstPosition { get; }

    /// <summary>Layers of the model.</summary>
    public int Layers => model.Description.Layers;

    /// <summary>Query heads of a layer.</summary>
    public int Heads => model.Description.Heads;

    /// <summary>[dim] the residual stream of a token behind the first <paramref name="layers"/> layers: 0 is what the first layer reads.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer or token.</exception>
    public ReadOnlySpan<float> State(int layers, int token)
    {
        CheckUpTo(layers);
        Check(token, tokens.Length);
        return trace.StateOf(2 * layers, token);
    }

    /// <summary>[dim] the residual stream of a token between a layer's attention and its feed-forward network.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer or token.</exception>
    public ReadOnlySpan<float> StateBehindAttention(int layer, int token)
    {
        Check(layer, Layers);
        Check(token, tokens.Length);
        return trace.StateOf((2 * layer) + 1, token);
    }

    /// <summary>[dim] the last state, normed: what the head multiplies.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public ReadOnlySpan<float> NormedState(int token)
    {
        Check(token, tokens.Length);
        return trace.StateOf((2 * Layers) + 1, token);
    }

    /// <summary>
    /// [FirstPosition + token + 1] the weights with which a token takes the values of the positions up to its own. They sum to 1; outside a layer's window they are 0.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer, head or token.</exception>
    public ReadOnlySpan<float> Attention(int layer, int head, int token)
    {
        Check(layer, Layers);
        Check(head, Heads);
        Check(token, tokens.Length);
        return trace.AttentionOf(layer, head, token, FirstPosition + token + 1);
    }

    /// <summary>[tokens × width as padded] what products in a block format read, before it was rounded; inputs are numbered as in the plan.</summary>
    internal float[] Input(int input) => trace.InputOf(input);

    /// <summary>
    /// [tokens × vocab] the logits of the next token, as the head makes them of the state behind the first <paramref name="layers"/> layers: what the
    /// model would say if it ended there ("logit lens"). Behind all layers they are the model's own logits, bit for bit. The head runs for this call.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public float[] Predict(int layers)
    {
        CheckUpTo(layers);
        return model.ApplyHead(trace.StatesOf(2 * layers));
    }

    private void CheckUpTo(int layers)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layers);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(layers, Layers);
    }

    private static void Check(int index, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, count);
    }
}

using System.Collections.Concurrent;
using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// Memory that emitted taps write, for the tokens of one call of a sequence, in as many steps as it takes: states [states × tokens × dim], and attention
/// weights [layers × heads × tokens × positions], rows padded to whole pages of the cache. Where it was asked for, also what products in block formats read before they round it.
/// </summary>
public sealed unsafe class StepTrace
{
    private readonly PinnedFloats states;
    private readonly PinnedFloats? attention;
    private readonly int dim;
    private readonly int heads;
    private readonly int tokens;
    private readonly int positionStride;
    private readonly ConcurrentDictionary<int, float[]>? inputs;

    /// <summary>Of states alone.</summary>
    internal StepTrace(int stateCount, int tokens, int dim)
        : this(stateCount, tokens, dim, 0, 0, 0)
    {
    }

    /// <summary>Of states and attention weights.</summary>
    /// <exception cref="OutOfMemoryException">The message tells what for, and how much.</exception>
    internal StepTrace(int stateCount, int tokens, int dim, int layers, int heads, int positions, bool keepsInputs = false)
    {
        inputs = keepsInputs ? [] : null;
        this.tokens = tokens;
        this.dim = dim;
        this.heads = heads;
        positionStride = (int)(((long)positions + CacheLayout.PagePositions - 1) / CacheLayout.PagePositions * CacheLayout.PagePositions);
        states = new PinnedFloats((long)stateCount * tokens * dim, $"the states of {tokens} traced tokens");
        if (layers > 0)
        {
            attention = new PinnedFloats(checked((long)layers * heads * tokens * positionStride), $"the attention weights of {tokens} traced tokens");
            attention.Span.Clear();
        }
    }

    /// <summary>Where the rows of the step that runs begin among the tokens.</summary>
    internal int FirstToken { get; set; }

    /// <summary>[dim] a state of a row of the step.</summary>
    public Span<float> State(int state, int row) => StateOf(state, FirstToken + row);

    /// <summary>[positions] what a row of the step attends to, zero where it sees nothing. Rows are padded to a multiple of 64.</summary>
    public float* Attention(int layer, int head, int row) => attention!.Pointer + AttentionAt(layer, head, FirstToken + row);

    /// <summary>What a row of the step brings to products in a block format, before it is rounded, as padded.</summary>
    public void KeepInput(int input, int row, ReadOnlySpan<float> numbers)
    {
        if (inputs is not null)
        {
            int width = numbers.Length;
            numbers.CopyTo(inputs.GetOrAdd(input, _ => new float[checked(tokens * width)]).AsSpan((FirstToken + row) * width));
        }
    }

    /// <summary>[tokens × width as padded] what was kept of an input.</summary>
    internal float[] InputOf(int input) => inputs![input];

    /// <summary>[dim] a state of a token.</summary>
    internal Span<float> StateOf(int state, int token) => states.Span.Slice(((state * tokens) + token) * dim, dim);

    /// <summary>[tokens × dim] a state of all tokens.</summary>
    internal Span<float> StatesOf(int state) => states.Span.Slice(state * tokens * dim, tokens * dim);

    /// <summary>[count] what a token attends to.</summary>
    internal ReadOnlySpan<float> AttentionOf(int layer, int head, int token, int count) => attention!.Span.Slice(AttentionAt(layer, head, token), count);

    private int AttentionAt(int layer, int head, int token) => ((((layer * heads) + head) * tokens) + token) * positionStride;
}

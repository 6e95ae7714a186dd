namespace ModelCompiler.Runtime.Sessions;

/// <summary>
/// Logits of the tokens of one call, row by row: a view of the session's memory, which the session's next call writes over.
/// Copy what is to be kept. The view keeps that memory, and only that: the session may be forgotten or disposed.
/// </summary>
public readonly ref struct Logits
{
    private readonly ReadOnlySpan<float> values;
    private readonly int stride;

    internal Logits(ReadOnlySpan<float> values, int rows, int vocab, int stride)
    {
        this.values = values;
        this.stride = stride;
        Rows = rows;
        Vocab = vocab;
    }

    /// <summary>Tokens that logits were asked for: none, one, or all of the call.</summary>
    public int Rows { get; }

    /// <summary>Numbers of a row.</summary>
    public int Vocab { get; }

    /// <summary>[Vocab] what may follow the row's token, as raw scores.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public ReadOnlySpan<float> this[int row]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(row);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
            return values.Slice(row * stride, Vocab);
        }
    }

    /// <summary>The last row.</summary>
    public ReadOnlySpan<float> Last => this[Rows - 1];

    /// <summary>A copy: [Rows × Vocab].</summary>
    public float[] ToArray()
    {
        float[] copy = new float[checked(Rows * Vocab)];
        for (int row = 0; row < Rows; row++)
        {
            this[row].CopyTo(copy.AsSpan(row * Vocab));
        }

        return copy;
    }
}

namespace ModelCompiler.Runtime.Tracing;

/// <summary>A token that is like a vector.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Cosine">Cosine of the angle between the two: 1 in the same direction, 0 at right angles.</param>
public readonly record struct SimilarToken(int Token, double Cosine);

/// <summary>The embedding table of a model, [vocab × dim]: every token as it is before it stands anywhere. Its numbers are those of the packed format.</summary>
public sealed class TokenVectors
{
    private readonly float[] table;
    private readonly double[] lengths;

    internal TokenVectors(float[] table, int dim)
    {
        this.table = table;
        Dim = dim;
        lengths = new double[table.Length / dim];
        for (int token = 0; token < lengths.Length; token++)
        {
            lengths[token] = Math.Sqrt(Dot(this[token], this[token]));
        }
    }

    /// <summary>Numbers of a vector.</summary>
    public int Dim { get; }

    /// <summary>Tokens.</summary>
    public int Vocab => lengths.Length;

    /// <summary>[dim] the vector of a token.</summary>
    public ReadOnlySpan<float> this[int token] => table.AsSpan(checked(token * Dim), Dim);

    /// <summary>The tokens whose vectors point most nearly in the direction of <paramref name="vector"/>, the nearest first; of equals, the smaller id.</summary>
    /// <param name="vector">[dim].</param>
    /// <param name="count">At most so many.</param>
    /// <exception cref="ArgumentException">The vector has another length.</exception>
    public IReadOnlyList<SimilarToken> Nearest(ReadOnlySpan<float> vector, int count)
    {
        if (vector.Length != Dim)
        {
            throw new ArgumentException($"Found a vector of {vector.Length} numbers, expected {Dim}.", nameof(vector));
        }

        double length = Math.Sqrt(Dot(vector, vector));
        SimilarToken[] all = new SimilarToken[Vocab];
        for (int token = 0; token < all.Length; token++)
        {
            all[token] = new(token, Ratio(Dot(vector, this[token]), length * lengths[token]));
        }

        return [.. all.OrderByDescending(token => token.Cosine).ThenBy(token => token.Token).Take(count)];
    }

    /// <summary>Cosine of the angle between two vectors of one length; 0 where one of them is zero.</summary>
    public static double Cosine(ReadOnlySpan<float> left, ReadOnlySpan<float> right) => Ratio(Dot(left, right), Math.Sqrt(Dot(left, left) * Dot(right, right)));

    private static double Ratio(double product, double lengths) => lengths > 0 ? Math.Clamp(product / lengths, -1, 1) : 0;

    private static double Dot(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        double sum = 0;
        for (int i = 0; i < left.Length; i++)
        {
            sum += (double)left[i] * right[i];
        }

        return sum;
    }
}

using System.Numerics;

namespace ModelCompiler.Runtime.Sampling;

/// <summary>
/// Ranks tokens by score, higher first, then by id, lower first. A token and its score are one 64-bit key, so that ranking is the
/// order of plain numbers: the score's bits, made to descend, above the id.
/// </summary>
internal sealed class RankedTokens
{
    private ulong[] keys = [];

    /// <summary>The ranked tokens, best first.</summary>
    public int Count { get; private set; }

    /// <summary>Token of a rank.</summary>
    public int Token(int rank) => (int)(uint)keys[rank];

    /// <summary>Score of a rank.</summary>
    public float Score(int rank)
    {
        uint ascending = ~(uint)(keys[rank] >> 32);
        return BitConverter.UInt32BitsToSingle(ascending ^ ((ascending >> 31) != 0 ? 0x80000000 : uint.MaxValue));
    }

    /// <summary>
    /// Ranks the best <paramref name="count"/> of all tokens. One pass over the scores: most are below the worst that is kept so far,
    /// and are passed over a vector at a time; the others gather behind the kept ones, until sorting drops the excess.
    /// </summary>
    public void SelectTop(ReadOnlySpan<float> scores, int count)
    {
        count = Math.Min(count, scores.Length);
        Count = 0;
        if (count == 0)
        {
            return;
        }

        Reserve((2 * count) + 64);
        ulong worst = ulong.MaxValue;
        float threshold = float.NegativeInfinity;
        for (int i = 0; i < scores.Length;)
        {
            int block = Math.Min(Vector<float>.Count, scores.Length - i);
            if (block < Vector<float>.Count || Vector.GreaterThanOrEqualAny(new Vector<float>(scores[i..]), new Vector<float>(threshold)))
            {
                if (Count + block > keys.Length)
                {
                    KeepBest(count);
                    worst = keys[count - 1];
                    threshold = Score(count - 1);
                }

                for (int j = i; j < i + block; j++)
                {
                    ulong key = Key(scores[j], j);
                    keys[Count] = key;
                    Count += key <= worst ? 1 : 0;
                }
            }

            i += block;
        }

        KeepBest(count);
    }

    /// <summary>Begins an empty ranking of at most <paramref name="capacity"/> tokens.</summary>
    public void Clear(int capacity)
    {
        Count = 0;
        Reserve(capacity);
    }

    /// <summary>Adds a token; <see cref="Sort"/> ranks it.</summary>
    public void Add(int token, float score) => keys[Count++] = Key(score, token);

    /// <summary>Ranks what was added.</summary>
    public void Sort() => keys.AsSpan(0, Count).Sort();

    private static ulong Key(float score, int token)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f); // −0 counts as 0
        uint ascending = bits ^ ((bits >> 31) != 0 ? uint.MaxValue : 0x80000000);
        return ((ulong)~ascending << 32) | (uint)token;
    }

    private void KeepBest(int count)
    {
        Sort();
        Count = Math.Min(Count, count);
    }

    private void Reserve(int capacity)
    {
        if (keys.Length < capacity)
        {
            keys = new ulong[capacity];
        }
    }
}

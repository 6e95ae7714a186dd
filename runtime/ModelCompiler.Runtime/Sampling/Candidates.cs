using System.Numerics;
using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Sampling;

/// <summary>Tokens that may still be drawn, with weights in proportion to their probabilities.</summary>
internal sealed class Candidates
{
    private double[] weights = [];
    private int[] tokens = [];
    private bool everyToken;

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>[Count] their weights; may be written.</summary>
    public Span<double> Weights => weights.AsSpan(0, Count);

    /// <summary>[Count] their ids; may be written. Not while every token is a candidate.</summary>
    public Span<int> Tokens => tokens.AsSpan(0, Count);

    /// <summary>Makes room for <paramref name="count"/> candidates, whose ids and weights the caller then writes; or cuts to so many.</summary>
    public void Resize(int count)
    {
        if (weights.Length < count)
        {
            weights = new double[count];
            tokens = new int[count];
        }

        Count = count;
        everyToken = false;
    }

    /// <summary>Makes every token a candidate, in the order of their ids; the caller then writes their weights.</summary>
    public void ResizeToAll(int vocab)
    {
        Resize(vocab);
        everyToken = true;
    }

    /// <summary>Drops the candidates that weigh less than <paramref name="least"/>; the others stay in order.</summary>
    public void DropBelow(double least)
    {
        int kept = 0;
        Vector<double> bound = new(least);
        for (int i = 0; i < Count;)
        {
            int block = Math.Min(Vector<double>.Count, Count - i);
            if (block < Vector<double>.Count || Vector.GreaterThanOrEqualAny(new Vector<double>(weights, i), bound))
            {
                for (int j = i; j < i + block; j++)
                {
                    (weights[kept], tokens[kept]) = (weights[j], everyToken ? j : tokens[j]);
                    kept += weights[kept] >= least ? 1 : 0;
                }
            }

            i += block;
        }

        Count = kept;
        everyToken = false;
    }

    /// <summary>The token at <paramref name="point"/> (0 … 1) when all lie side by side, each as wide as its weight. Sums are taken in pieces, so that one piece only is walked through.</summary>
    public int At(double point)
    {
        const int Piece = 1024;
        ReadOnlySpan<double> all = Weights;
        double rest = point * Exponential.Sum(all);
        int start = 0;
        for (; start + Piece < all.Length; start += Piece)
        {
            double sum = Exponential.Sum(all.Slice(start, Piece));
            if (rest < sum)
            {
                break;
            }

            rest -= sum;
        }

        for (int i = start; i < all.Length; i++)
        {
            if (rest < all[i])
            {
                return everyToken ? i : tokens[i];
            }

            rest -= all[i];
        }

        // Only rounding comes here: the last token that could be drawn.
        int last = all.LastIndexOfAnyExcept(0.0);
        return everyToken ? last : tokens[last];
    }
}

using System.Numerics;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Sampling;

/// <summary>
/// Chooses tokens from rows of logits as <see cref="GenerationOptions"/> say. Takes no memory once it has run. For one thread.
/// </summary>
public sealed class Sampler
{
    private readonly GenerationOptions options;
    private readonly int vocab;
    private readonly RankedTokens ranked = new();
    private readonly NucleusCut nucleus = new();
    private RandomNumbers random;
    private float[] changed = [];
    private double[] weights = [];
    private int[] counts = [];

    /// <param name="options">The choice.</param>
    /// <param name="vocab">Length of a row of logits.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public Sampler(GenerationOptions options, int vocab)
    {
        options.Validate(vocab);
        this.options = options;
        this.vocab = vocab;
        Seed = options.Seed ?? (ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue);
        random = new RandomNumbers(Seed);
    }

    /// <summary>Where the drawing began.</summary>
    public ulong Seed { get; }

    /// <summary>Chooses the next token.</summary>
    /// <param name="logits">[vocab] as the model gave them; not changed.</param>
    /// <param name="history">All tokens so far; the penalties look at the last of them.</param>
    /// <exception cref="InvalidOperationException">The logits hold NaN or +∞, or every token is forbidden.</exception>
    public int Next(ReadOnlySpan<float> logits, ReadOnlySpan<int> history)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(logits.Length, vocab);
        ReadOnlySpan<float> scores = options.ChangesLogits ? Change(logits, history) : logits;
        float max = Max(scores);
        if (!float.IsFinite(max))
        {
            throw new InvalidOperationException(float.IsNegativeInfinity(max) ? "Every token is forbidden." : $"The model's logits are not finite numbers: the largest is {max}.");
        }

        return options switch
        {
            { Temperature: 0 } => scores.IndexOf(max),
            { TopK: > 0 } => DrawFromTop(scores, max),
            _ => DrawFromAll(scores, max),
        };
    }

    /// <summary>The largest score; NaN when there is one.</summary>
    internal static float Max(ReadOnlySpan<float> scores)
    {
        Vector<float> lanes = new(float.NegativeInfinity);
        for (; scores.Length >= Vector<float>.Count; scores = scores[Vector<float>.Count..])
        {
            lanes = Vector.Max(lanes, new Vector<float>(scores));
        }

        float max = float.NegativeInfinity;
        for (int i = 0; i < Vector<float>.Count; i++)
        {
            max = MathF.Max(max, lanes[i]);
        }

        foreach (float score in scores)
        {
            max = MathF.Max(max, score);
        }

        return max;
    }

    private Span<float> Change(ReadOnlySpan<float> logits, ReadOnlySpan<int> history)
    {
        if (changed.Length == 0)
        {
            changed = new float[vocab];
            counts = options.HasPenalties ? new int[vocab] : [];
        }

        logits.CopyTo(changed);
        if (options.HasPenalties)
        {
            Penalise(history[^Math.Min(options.PenaltyWindow ?? history.Length, history.Length)..]);
        }

        if (options.LogitBias is not null)
        {
            foreach ((int token, float bias) in options.LogitBias)
            {
                changed[token] += bias;
            }
        }

        return changed;
    }

    private void Penalise(ReadOnlySpan<int> window)
    {
        foreach (int token in window)
        {
            counts[token]++;
        }

        foreach (int token in window)
        {
            if (counts[token] > 0)
            {
                double score = changed[token];
                score = score > 0 ? score / options.RepetitionPenalty : score * options.RepetitionPenalty;
                changed[token] = (float)(score - options.PresencePenalty - (counts[token] * options.FrequencyPenalty));
                counts[token] = 0;
            }
        }
    }

    private int DrawFromTop(ReadOnlySpan<float> scores, float max)
    {
        ranked.SelectTop(scores, options.TopK);
        Span<double> kept = Weights(ranked.Count);
        for (int i = 0; i < kept.Length; i++)
        {
            kept[i] = Exponential.Exp(((double)ranked.Score(i) - max) / options.Temperature);
        }

        if (options.TopP < 1)
        {
            double target = Exponential.Sum(kept) * options.TopP;
            double sum = 0;
            int count = 0;
            while (count < kept.Length && sum < target)
            {
                sum += kept[count++];
            }

            kept = kept[..Math.Max(count, 1)];
        }

        DropUnlikely(kept);
        return ranked.Token(Draw(kept));
    }

    private int DrawFromAll(ReadOnlySpan<float> scores, float max)
    {
        Span<double> kept = Weights(vocab);
        Exponential.Weights(scores, max, options.Temperature, kept);
        if (options.TopP < 1)
        {
            nucleus.Cut(scores, max, options.TopP, kept);
        }

        DropUnlikely(kept);
        return Draw(kept);
    }

    /// <summary>Min-p. The most likely token has weight 1.</summary>
    private void DropUnlikely(Span<double> kept)
    {
        if (options.MinP > 0)
        {
            for (int i = 0; i < kept.Length; i++)
            {
                kept[i] = kept[i] >= options.MinP ? kept[i] : 0;
            }
        }
    }

    /// <summary>Draws an index with probability in proportion to its weight. Sums are taken in pieces, so that a draw walks through one piece only.</summary>
    private int Draw(ReadOnlySpan<double> kept)
    {
        const int Piece = 1024;
        double rest = random.NextDouble() * Exponential.Sum(kept);
        int start = 0;
        for (; start + Piece < kept.Length; start += Piece)
        {
            double sum = Exponential.Sum(kept.Slice(start, Piece));
            if (rest < sum)
            {
                break;
            }

            rest -= sum;
        }

        int last = -1;
        for (int i = start; i < kept.Length; i++)
        {
            if (kept[i] > 0)
            {
                last = i;
                if (rest < kept[i])
                {
                    return i;
                }

                rest -= kept[i];
            }
        }

        // Only rounding comes here: the last token that could be drawn.
        return last >= 0 ? last : kept.LastIndexOfAnyExcept(0.0);
    }

    private Span<double> Weights(int count)
    {
        if (weights.Length < count)
        {
            weights = new double[count];
        }

        return weights.AsSpan(0, count);
    }
}

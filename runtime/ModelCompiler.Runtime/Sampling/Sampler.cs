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
    private readonly Candidates candidates = new();
    private RandomNumbers random;
    private float[] changed = [];
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
    /// <exception cref="NotFiniteLogitsException">The logits hold NaN or +∞.</exception>
    /// <exception cref="InvalidOperationException">Every token is forbidden.</exception>
    public int Next(ReadOnlySpan<float> logits, ReadOnlySpan<int> history)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(logits.Length, vocab);
        ReadOnlySpan<float> scores = options.ChangesLogits ? Change(logits, history) : logits;
        float max = Max(scores);
        if (!float.IsFinite(max))
        {
            throw float.IsNegativeInfinity(max) ? new InvalidOperationException("Every token is forbidden.") : new NotFiniteLogitsException(max);
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
        // Four chains, because each maximum waits for the one before it.
        int width = Vector<float>.Count;
        Vector<float> m0 = new(float.NegativeInfinity), m1 = m0, m2 = m0, m3 = m0;
        for (; scores.Length >= 4 * width; scores = scores[(4 * width)..])
        {
            m0 = Vector.Max(m0, new Vector<float>(scores));
            m1 = Vector.Max(m1, new Vector<float>(scores[width..]));
            m2 = Vector.Max(m2, new Vector<float>(scores[(2 * width)..]));
            m3 = Vector.Max(m3, new Vector<float>(scores[(3 * width)..]));
        }

        Vector<float> lanes = Vector.Max(Vector.Max(m0, m1), Vector.Max(m2, m3));
        float max = float.NegativeInfinity;
        for (int i = 0; i < width; i++)
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
        candidates.Resize(ranked.Count);
        for (int i = 0; i < ranked.Count; i++)
        {
            candidates.Tokens[i] = ranked.Token(i);
            candidates.Weights[i] = Exponential.Exp(((double)ranked.Score(i) - max) / options.Temperature);
        }

        if (options.TopP < 1)
        {
            double target = Exponential.Sum(candidates.Weights) * options.TopP;
            double sum = 0;
            int count = 0;
            while (count < ranked.Count && sum < target)
            {
                sum += candidates.Weights[count++];
            }

            candidates.Resize(Math.Max(count, 1));
        }

        // The most likely token weighs 1.
        candidates.DropBelow(options.MinP);
        return candidates.At(random.NextDouble());
    }

    private int DrawFromAll(ReadOnlySpan<float> scores, float max)
    {
        candidates.ResizeToAll(vocab);
        Exponential.Weights(scores, max, options.Temperature, candidates.Weights);
        if (options.TopP < 1)
        {
            // Tokens that weigh less than this lie outside for certain: all of them together weigh less than what top-p leaves out.
            double total = Exponential.Sum(candidates.Weights);
            double negligible = 0.5 * (1 - options.TopP) * total / vocab;
            candidates.DropBelow(Math.Max(negligible, options.MinP));
            nucleus.Cut(candidates.Tokens, candidates.Weights, scores, max, total * options.TopP);
        }
        else if (options.MinP > 0)
        {
            candidates.DropBelow(options.MinP);
        }

        return candidates.At(random.NextDouble());
    }
}

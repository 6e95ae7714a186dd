using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference;

/// <summary>
/// Causal attention (arXiv 1706.03762) with grouped queries (arXiv 2305.13245): for each token t and head h, over the positions
/// j = max(0, t − window + 1) … t: s[j] = cap(q[t, h] · k[j, g] · scale), p = softmax(s), o[t, h] = Σj p[j] · v[j, g], where
/// g = h / (heads / kvHeads).
/// </summary>
internal static class ReferenceAttention
{
    public static double[] Apply(Attention attention, double[] queries, double[] keys, double[] values)
    {
        int headDim = attention.HeadDim;
        int width = attention.Heads * headDim;
        int kvWidth = attention.KvHeads * headDim;
        int group = attention.Heads / attention.KvHeads;
        int tokens = queries.Length / width;
        double[] output = new double[queries.Length];
        double[] weights = new double[tokens];
        for (int t = 0; t < tokens; t++)
        {
            int first = FirstPosition(attention, t);
            for (int h = 0; h < attention.Heads; h++)
            {
                int kvOffset = h / group * headDim;
                Span<double> result = output.AsSpan((t * width) + (h * headDim), headDim);
                Span<double> probabilities = weights.AsSpan(0, t + 1 - first);
                Scores(attention, queries.AsSpan((t * width) + (h * headDim), headDim), keys.AsSpan(kvOffset), first, probabilities);
                Softmax(probabilities);
                for (int j = first; j <= t; j++)
                {
                    AddScaled(values.AsSpan((j * kvWidth) + kvOffset, headDim), probabilities[j - first], result);
                }
            }
        }

        return output;
    }

    /// <summary>The first position that token t sees.</summary>
    internal static int FirstPosition(Attention attention, int t) => attention.Window is int window ? Math.Max(0, t - window + 1) : 0;

    /// <summary>scores[i] = cap(query · k[first + i] · scale); <paramref name="keys"/> begin with the head's of position 0.</summary>
    internal static void Scores(Attention attention, ReadOnlySpan<double> query, ReadOnlySpan<double> keys, int first, Span<double> scores)
    {
        int kvWidth = attention.KvHeads * attention.HeadDim;
        for (int i = 0; i < scores.Length; i++)
        {
            double score = Dot(query, keys.Slice((first + i) * kvWidth, attention.HeadDim)) * attention.ScoreScale;
            scores[i] = attention.SoftCap is double cap ? cap * Math.Tanh(score / cap) : score;
        }
    }

    /// <summary>p[j] = e^(s[j] − max s) / Σ e^(s[i] − max s), in place.</summary>
    internal static void Softmax(Span<double> scores)
    {
        double largest = double.NegativeInfinity;
        foreach (double score in scores)
        {
            largest = Math.Max(largest, score);
        }

        double sum = 0;
        for (int j = 0; j < scores.Length; j++)
        {
            scores[j] = Math.Exp(scores[j] - largest);
            sum += scores[j];
        }

        for (int j = 0; j < scores.Length; j++)
        {
            scores[j] /= sum;
        }
    }

    internal static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    internal static void AddScaled(ReadOnlySpan<double> x, double factor, Span<double> y)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] += x[i] * factor;
        }
    }
}

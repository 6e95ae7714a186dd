using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Reference;

namespace ModelCompiler.EndToEnd.Tests.Tracing;

/// <summary>The weights of an attention in double precision.</summary>
internal static class AttentionWeights
{
    /// <summary>softmax(cap(q · k · scale)) over the visible positions: [tokens × heads × tokens]. Queries and keys: [tokens × heads · headDim], prepared.</summary>
    public static double[] Of(Attention attention, double[] queries, double[] keys, CacheFormat cache)
    {
        keys = cache is F32Cache ? keys : ReferenceCache.Round(cache, keys, attention.HeadDim);
        (int heads, int kvHeads, int headDim) = (attention.Heads, attention.KvHeads, attention.HeadDim);
        int tokens = queries.Length / (heads * headDim);
        double[] weights = new double[tokens * heads * tokens];
        for (int token = 0; token < tokens; token++)
        {
            for (int head = 0; head < heads; head++)
            {
                Span<double> row = weights.AsSpan(((token * heads) + head) * tokens, tokens);
                int first = attention.Window is { } window ? Math.Max(0, token - window + 1) : 0;
                for (int other = first; other <= token; other++)
                {
                    double score = 0;
                    for (int i = 0; i < headDim; i++)
                    {
                        score += queries[(((token * heads) + head) * headDim) + i] * keys[(((other * kvHeads) + (head / (heads / kvHeads))) * headDim) + i];
                    }

                    score *= attention.ScoreScale;
                    row[other] = Math.Exp(attention.SoftCap is { } cap ? cap * Math.Tanh(score / cap) : score);
                }

                double sum = 0;
                foreach (double weight in row)
                {
                    sum += weight;
                }

                foreach (ref double weight in row)
                {
                    weight /= sum;
                }
            }
        }

        return weights;
    }
}

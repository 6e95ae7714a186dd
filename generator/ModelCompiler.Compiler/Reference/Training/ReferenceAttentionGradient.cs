using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference.Training;

/// <summary>Gradients of <see cref="ReferenceAttention"/>; equations: <see cref="Graph.Training.AttentionGradient"/>.</summary>
internal static class ReferenceAttentionGradient
{
    /// <summary>dq, dk and dv of do.</summary>
    public static (double[] Query, double[] Key, double[] Values) Apply(
        Attention attention, double[] queries, double[] keys, double[] values, double[] outputGradient)
    {
        int headDim = attention.HeadDim;
        int width = attention.Heads * headDim;
        int kvWidth = attention.KvHeads * headDim;
        int group = attention.Heads / attention.KvHeads;
        double[] dq = new double[queries.Length], dk = new double[keys.Length], dv = new double[values.Length];
        for (int t = 0; t < queries.Length / width; t++)
        {
            int first = ReferenceAttention.FirstPosition(attention, t);
            double[] p = new double[t + 1 - first], dp = new double[p.Length];
            for (int h = 0; h < attention.Heads; h++)
            {
                int offset = (t * width) + (h * headDim), kvOffset = h / group * headDim;
                ReadOnlySpan<double> query = queries.AsSpan(offset, headDim), dOutput = outputGradient.AsSpan(offset, headDim);
                ReferenceAttention.Scores(attention, query, keys.AsSpan(kvOffset), first, p);
                double[] capped = (double[])p.Clone();
                ReferenceAttention.Softmax(p);
                double mean = 0;
                for (int i = 0; i < p.Length; i++)
                {
                    int position = ((first + i) * kvWidth) + kvOffset;
                    dp[i] = ReferenceAttention.Dot(dOutput, values.AsSpan(position, headDim));
                    mean += p[i] * dp[i];
                    ReferenceAttention.AddScaled(dOutput, p[i], dv.AsSpan(position, headDim));
                }

                for (int i = 0; i < p.Length; i++)
                {
                    int position = ((first + i) * kvWidth) + kvOffset;
                    double slope = attention.SoftCap is double cap ? 1 - (capped[i] / cap * (capped[i] / cap)) : 1;
                    double ds = p[i] * (dp[i] - mean) * slope * attention.ScoreScale;
                    ReferenceAttention.AddScaled(keys.AsSpan(position, headDim), ds, dq.AsSpan(offset, headDim));
                    ReferenceAttention.AddScaled(query, ds, dk.AsSpan(position, headDim));
                }
            }
        }

        return (dq, dk, dv);
    }
}

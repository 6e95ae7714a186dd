namespace ModelCompiler.Runtime.Sampling;

/// <summary>
/// Top-p without sorting (arXiv 1904.09751): the mass is gathered in buckets of 1/64 of a logit below the largest score; only the
/// bucket in which the wanted mass is reached is sorted.
/// </summary>
internal sealed class NucleusCut
{
    private const int Buckets = 4096;
    private const float BucketsPerLogit = 64;

    private readonly double[] masses = new double[Buckets];
    private readonly RankedTokens boundary = new();

    /// <summary>Makes zero the weight of every candidate outside the fewest, best first, whose weights together reach a target.</summary>
    /// <param name="tokens">The candidates.</param>
    /// <param name="weights">Their weights.</param>
    /// <param name="scores">[vocab] the scores that the weights rise with.</param>
    /// <param name="max">The largest score.</param>
    /// <param name="target">When the candidates do not reach it, all stay.</param>
    public void Cut(ReadOnlySpan<int> tokens, Span<double> weights, ReadOnlySpan<float> scores, float max, double target)
    {
        Array.Clear(masses);
        for (int i = 0; i < tokens.Length; i++)
        {
            masses[Bucket(scores[tokens[i]], max)] += weights[i];
        }

        double sum = 0;
        int reached = 0;
        while (reached < Buckets - 1 && sum + masses[reached] < target)
        {
            sum += masses[reached++];
        }

        // Ranked by place among the candidates, which is the order of their ids.
        boundary.Clear(tokens.Length);
        for (int i = 0; i < tokens.Length; i++)
        {
            float score = scores[tokens[i]];
            int own = Bucket(score, max);
            if (own == reached)
            {
                boundary.Add(i, score);
            }

            weights[i] = own > reached ? 0 : weights[i];
        }

        boundary.Sort();
        for (int rank = 0; rank < boundary.Count; rank++)
        {
            ref double weight = ref weights[boundary.Token(rank)];
            (sum, weight) = sum < target ? (sum + weight, weight) : (sum, 0);
        }
    }

    private static int Bucket(float score, float max) => (int)MathF.Min((max - score) * BucketsPerLogit, Buckets - 1);
}

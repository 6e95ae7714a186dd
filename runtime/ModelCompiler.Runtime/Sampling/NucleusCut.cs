namespace ModelCompiler.Runtime.Sampling;

/// <summary>
/// Top-p over a whole vocabulary without sorting it (arXiv 1904.09751): the mass is gathered in buckets of 1/64 of a logit below the
/// largest score; only the bucket in which the wanted mass is reached is sorted.
/// </summary>
internal sealed class NucleusCut
{
    private const int Buckets = 4096;
    private const float BucketsPerLogit = 64;

    private readonly double[] masses = new double[Buckets];
    private readonly RankedTokens boundary = new();

    /// <summary>Makes zero the weight of every token outside the fewest, best first, that together have <paramref name="share"/> of the mass.</summary>
    public void Cut(ReadOnlySpan<float> scores, float max, double share, Span<double> weights)
    {
        Array.Clear(masses);
        for (int i = 0; i < scores.Length; i++)
        {
            masses[Bucket(scores[i], max)] += weights[i];
        }

        double total = 0;
        foreach (double mass in masses)
        {
            total += mass;
        }

        double target = total * share;
        double sum = 0;
        int reached = 0;
        while (reached < Buckets - 1 && sum + masses[reached] < target)
        {
            sum += masses[reached++];
        }

        CutWithin(reached, scores, max, target - sum, weights);
    }

    private static int Bucket(float score, float max) => (int)MathF.Min((max - score) * BucketsPerLogit, Buckets - 1);

    private void CutWithin(int bucket, ReadOnlySpan<float> scores, float max, double target, Span<double> weights)
    {
        boundary.Clear(scores.Length);
        for (int i = 0; i < scores.Length; i++)
        {
            int own = Bucket(scores[i], max);
            if (own == bucket)
            {
                boundary.Add(i, scores[i]);
            }

            weights[i] = own > bucket ? 0 : weights[i];
        }

        boundary.Sort();
        double sum = 0;
        for (int rank = 0; rank < boundary.Count; rank++)
        {
            ref double weight = ref weights[boundary.Token(rank)];
            (sum, weight) = sum < target ? (sum + weight, weight) : (sum, 0);
        }
    }
}

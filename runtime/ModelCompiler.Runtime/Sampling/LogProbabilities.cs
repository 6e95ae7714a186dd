using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Sampling;

/// <summary>Log-probabilities of a row of logits: ln softmax, in double precision, rounded to float.</summary>
/// <param name="top">How many of the most likely tokens are told.</param>
internal sealed class LogProbabilities(int top)
{
    private readonly RankedTokens ranked = new();
    private double[] weights = [];

    /// <summary>Describes a chosen token and its rivals.</summary>
    public GeneratedToken Describe(ReadOnlySpan<float> logits, int token)
    {
        if (weights.Length < logits.Length)
        {
            weights = new double[logits.Length];
        }

        Span<double> own = weights.AsSpan(0, logits.Length);
        float max = Sampler.Max(logits);
        Exponential.Weights(logits, max, 1, own);
        double logOfSum = Exponential.Log(Exponential.Sum(own));
        ranked.SelectTop(logits, top);
        TokenProbability[] rivals = new TokenProbability[ranked.Count];
        for (int rank = 0; rank < rivals.Length; rank++)
        {
            rivals[rank] = new TokenProbability(ranked.Token(rank), (float)((double)ranked.Score(rank) - max - logOfSum));
        }

        return new GeneratedToken(token, (float)((double)logits[token] - max - logOfSum), rivals);
    }
}

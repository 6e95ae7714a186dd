namespace ModelCompiler.Runtime.Training;

/// <summary>Options of <see cref="AdamW"/>. The second moment decays faster than Adam's 0.999 and the weights decay by 0.1, as is usual for language models (GPT-3, arXiv 2005.14165, appendix B).</summary>
public sealed record AdamWOptions
{
    /// <summary>β₁: how much of the mean gradient is kept, 0 to below 1.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂: how much of the mean square is kept, 0 to below 1.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>ε: added to the root of the mean square; above 0.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>λ: matrices shrink by learning rate · λ in each step. Norms and biases do not.</summary>
    public double WeightDecay { get; init; } = 0.1;

    /// <summary>Largest norm of all gradients together; longer ones are shortened to it. 0: never.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <exception cref="ArgumentOutOfRangeException">One of them is out of its range.</exception>
    internal void Check()
    {
        Check(Beta1 is >= 0 and < 1, nameof(Beta1), Beta1, "0 to below 1");
        Check(Beta2 is >= 0 and < 1, nameof(Beta2), Beta2, "0 to below 1");
        Check(Epsilon is > 0 and <= 1, nameof(Epsilon), Epsilon, "above 0, at most 1");
        Check(WeightDecay is >= 0 and <= 1, nameof(WeightDecay), WeightDecay, "0 to 1");
        Check(ClipNorm is >= 0 and <= 1e30, nameof(ClipNorm), ClipNorm, "at least 0 (never clip)");
    }

    private static void Check(bool good, string name, double found, string expected)
    {
        if (!good)
        {
            throw new ArgumentOutOfRangeException(name, found, $"{nameof(AdamWOptions)}.{name}: found {found}, expected {expected}.");
        }
    }
}

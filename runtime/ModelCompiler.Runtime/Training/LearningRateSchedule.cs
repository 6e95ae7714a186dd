using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// The learning rate of each step: a straight line from 0 up to <paramref name="Peak"/>, then half a cosine down to
/// <paramref name="FinalFraction"/> of it (SGDR, arXiv 1608.03983, without restarts).
/// </summary>
/// <param name="Peak">Largest rate; above 0.</param>
/// <param name="WarmUpSteps">Steps of the line; step number WarmUpSteps − 1 is the first at the peak.</param>
/// <param name="TotalSteps">The last step, TotalSteps − 1, and all after it have the final rate.</param>
/// <param name="FinalFraction">0 to 1.</param>
public sealed record LearningRateSchedule(double Peak, long WarmUpSteps, long TotalSteps, double FinalFraction = 0.1)
{
    /// <summary>The rate of a step, counted from 0.</summary>
    public double At(long step)
    {
        if (step < WarmUpSteps)
        {
            return Peak * (step + 1) / WarmUpSteps;
        }

        long cosineSteps = TotalSteps - WarmUpSteps;
        double done = cosineSteps <= 1 ? 1 : Math.Min(1, (double)(step - WarmUpSteps) / (cosineSteps - 1));
        double fraction = FinalFraction + ((1 - FinalFraction) * 0.5 * (1 + Trigonometry.SinCos(Math.PI * done).Cos));
        return Peak * fraction;
    }

    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    internal void Check()
    {
        if (!(Peak is > 0 and < 1000))
        {
            throw new ArgumentOutOfRangeException(nameof(Peak), Peak, $"Found the learning rate {Peak}, expected one above 0 and below 1000.");
        }

        if (WarmUpSteps < 0 || TotalSteps < 1 || WarmUpSteps > TotalSteps)
        {
            throw new ArgumentOutOfRangeException(nameof(WarmUpSteps), WarmUpSteps, $"Found {WarmUpSteps} steps of warm-up of {TotalSteps} in all, expected 0 to all of at least 1.");
        }

        if (!(FinalFraction is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(FinalFraction), FinalFraction, $"Found the final fraction {FinalFraction}, expected 0 to 1.");
        }
    }
}

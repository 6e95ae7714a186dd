using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Reference.Training;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>Two training graphs of one model, run on the same sequences.</summary>
internal static class SameGradients
{
    /// <summary>Losses are equal; gradients differ by at most <paramref name="tolerance"/> of the parameter's largest.</summary>
    public static void Assert(ModelGraph expected, ModelGraph actual, SeededParameters parameters, double tolerance)
    {
        TrainingStep first = new TrainingReference(expected, parameters).Run(TrainingModels.Sequences, 0.5);
        TrainingStep second = new TrainingReference(actual, parameters).Run(TrainingModels.Sequences, 0.5);
        Xunit.Assert.Equal(first.Losses, second.Losses);
        Xunit.Assert.Equal(first.Gradients.Keys.ToHashSet(), second.Gradients.Keys.ToHashSet());
        foreach ((Parameter parameter, double[] gradient) in first.Gradients)
        {
            double[] other = second.Gradients[parameter];
            double allowed = tolerance * Math.Max(gradient.Max(Math.Abs), 1e-3); // some are 0 but for rounding
            for (int i = 0; i < gradient.Length; i++)
            {
                Xunit.Assert.True(
                    Math.Abs(gradient[i] - other[i]) <= allowed, FormattableString.Invariant($"{parameter.Name}[{i}]: {gradient[i]:R} and {other[i]:R}"));
            }
        }
    }
}

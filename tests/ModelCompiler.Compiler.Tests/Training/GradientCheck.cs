using System.Globalization;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Reference.Training;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>
/// Every gradient that the reference gives, against central differences of its losses: of fourth order, (8 (f(+h) − f(−h)) − (f(+2h) − f(−2h))) / 12h with
/// h = 2^-12, in double precision.
/// </summary>
internal static class GradientCheck
{
    /// <summary>With larger steps the error falls by 16 when the step is halved: it is the differences'. With smaller ones rounding grows.</summary>
    private const float Step = 1f / (1 << 12);

    /// <summary>
    /// The largest relative error may be this. Gradients below a thousandth of the parameter's largest are compared with that thousandth, and those of a parameter
    /// that cannot matter (a bias of all keys moves all scores of a softmax alike) with 1e-5 of the model's largest.
    /// </summary>
    private const double Tolerance = 1e-6;

    /// <summary>Checks every element of every trained parameter.</summary>
    public static void Run(ModelGraph training, SeededParameters parameters, IReadOnlyList<TrainingSequence> sequences, double lossScale = 1)
    {
        IReadOnlyDictionary<Parameter, double[]> gradients = new TrainingReference(training, parameters).Run(sequences, lossScale).Gradients;
        double floor = 1e-5 * gradients.Values.Max(gradient => gradient.Max(Math.Abs));
        Assert.True(floor > 0, "all gradients are zero");
        (double Error, string Where) largest = (0, "nowhere");
        foreach ((Parameter parameter, double[] gradient) in gradients)
        {
            double scale = Math.Max(gradient.Max(Math.Abs) / 1000, floor);
            float[] numbers = parameters.Of(parameter);
            for (int i = 0; i < numbers.Length; i++)
            {
                double expected = Difference(numbers, i) * lossScale;
                double error = Math.Abs(expected - gradient[i]) / Math.Max(Math.Abs(expected), scale);
                if (!(error <= largest.Error))
                {
                    largest = (error, string.Create(CultureInfo.InvariantCulture, $"{parameter.Name}[{i}]: {gradient[i]:R}, differences give {expected:R}"));
                }
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"largest relative error {largest.Error:E2} ({largest.Where})"));
        Assert.True(largest.Error < Tolerance, $"relative error {largest.Error:E2} at {largest.Where}");

        double Difference(float[] numbers, int i)
            => ((8 * Change(numbers, i, Step)) - Change(numbers, i, 2 * Step)) / (12 * Step);

        // Token by token: the differences of small numbers lose less than that of their sums.
        double Change(float[] numbers, int i, float step)
            => LossesAt(numbers, i, step).Zip(LossesAt(numbers, i, -step), (above, below) => above - below).Sum();

        double[] LossesAt(float[] numbers, int i, float change)
        {
            float before = numbers[i];
            numbers[i] += change;
            double[] losses = new TrainingReference(training, parameters).Losses(sequences);
            numbers[i] = before;
            return losses;
        }
    }
}

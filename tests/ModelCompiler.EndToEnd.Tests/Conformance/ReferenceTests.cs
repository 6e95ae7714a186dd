using ModelCompiler.Runtime;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>Emitted code against the double-precision reference on the same rounded weights.</summary>
public class ReferenceTests(ConformanceModels models, ITestOutputHelper output)
{
    /// <summary>
    /// Relative, by format of the cache. Where it rounds, a number that lies in the middle between two may go one way here and the other way in
    /// double precision; the next layer then sees a difference of one unit of that format.
    /// </summary>
    private static readonly Dictionary<string, double> tolerances = new() { ["f32"] = 2e-5, ["bf16"] = 4e-4, ["q8"] = 4e-4 };

    public static TheoryData<string, string, InstructionSet, int> Cases =>
    [
        .. from model in ConformanceModels.Cases
           from instructionSet in Engines.All
           from length in new[] { 1, 2, 17, ConformanceModels.LongestReference }
           select (model.Model, model.Format, instructionSet, length),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void LogitsMeetTheReference(string model, string format, InstructionSet instructionSet, int length)
    {
        Engines.Require(instructionSet);
        EmittedModel emitted = models.Get(model, format);
        float[] logits = emitted.Logits(emitted.Tokens(length), instructionSet);
        ReadOnlySpan<double> reference = emitted.Reference(length);

        Assert.Equal(reference.Length, logits.Length);
        (double squares, double errors, double largest) = (0, 0, 0);
        for (int i = 0; i < logits.Length; i++)
        {
            double error = logits[i] - reference[i];
            squares += reference[i] * reference[i];
            errors += error * error;
            largest = Math.Max(largest, Math.Abs(error));
        }

        double relative = Math.Sqrt(errors / squares);
        output.WriteLine($"largest difference {largest:e2}, relative L2 {relative:e2}");
        Assert.True(relative < tolerances[emitted.Plan.Cache.Format], $"relative L2 {relative:e2}, largest difference {largest:e2}");
    }
}

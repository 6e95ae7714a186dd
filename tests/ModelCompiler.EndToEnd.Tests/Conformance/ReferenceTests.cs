using ModelCompiler.Runtime;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>Emitted code against the double-precision reference on the same rounded weights.</summary>
public class ReferenceTests(ConformanceModels models, ITestOutputHelper output)
{
    private const double Tolerance = 2e-5;

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
        Assert.True(relative < Tolerance, $"relative L2 {relative:e2}, largest difference {largest:e2}");
    }
}

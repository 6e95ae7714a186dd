using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
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

    /// <summary>What it may cost that a few inputs are off by a 127th of their group's largest.</summary>
    private const double RoundedInputTolerance = 1e-2;

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
        RowErrors errors = RowErrors.Of(logits, reference, emitted.Vocab);
        output.WriteLine(errors.ToString());
        AssertClose(errors, emitted.Plan);
    }

    /// <summary>Within what float32 and the formats of the plan may cost.</summary>
    internal static void AssertClose(RowErrors errors, ModelPlan plan)
    {
        double tolerance = tolerances[plan.Cache.Format];
        if (plan.Weights.Matrices.Any(matrix => matrix.Format is BlockFormat))
        {
            // Inputs are rounded to integers. One that lies within float32's error of the middle between two may go the other way than in double
            // precision: about one in ten thousand. That row shows it, and so do later rows that attend to it; the others must be as close as ever.
            Assert.True(errors.BestTenth < tolerance, errors.ToString());
            Assert.True(errors.Overall < RoundedInputTolerance, errors.ToString());
        }
        else
        {
            Assert.True(errors.Overall < tolerance, errors.ToString());
        }
    }
}

using ModelCompiler.Compiler.Plan;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.EndToEnd.Tests.Emission;

/// <summary>What <c>modelc bench</c> counts, beside counts by hand: one layer of dim 40 and 64, 4 heads over 2 of 20 numbers, 97 tokens, a window of 70 positions.</summary>
public sealed class ModelWorkTests
{
    /// <summary>
    /// 100 tokens behind 10 see 11, 12, … 70 positions, and 40 of them 70: 5,230. Every token needs q, k and v, 160 × 40; what is behind the last attention, o (40 × 80), gate, up
    /// and down (3 · 64 × 40), and the head are computed for one.
    /// </summary>
    [Fact]
    public void APromptNeedsItsMatricesAndWhatItSees()
    {
        const double attention = 4.0 * 4 * 20 * 5230, every = 2.0 * 160 * 40 * 100, last = 2.0 * ((40 * 80) + (3 * 64 * 40) + (97 * 40));
        Assert.Equal((attention + every + last) / 100, Of("f32", new(100, 0, 10, 1, 1)).FlopsPerPromptToken, 1e-6);
        Assert.Equal(0, Of("f32", new(100, 0, 10, 1, 1)).CacheNumbersPerToken);
    }

    /// <summary>4 tokens behind 10 see 11, 12, 13 and 14 positions, each a key and a value of 20 numbers in 2 heads. In q8 a head is padded to 32 numbers, with four bytes for the scales of two groups, of which it has one.</summary>
    [Theory]
    [InlineData("f32", 4)]
    [InlineData("bf16", 2)]
    [InlineData("q8", 1 + (4.0 / 32))]
    public void ADecodeReadsTheCacheThatItSees(string cache, double bytes)
    {
        ModelWork work = Of(cache, new(0, 4, 10, 3, 1));
        Assert.Equal(2.0 * 2 * 20 * (11 + 12 + 13 + 14) / 4, work.CacheNumbersPerToken, 1e-9);
        Assert.Equal(bytes, work.CacheBytesPerNumber, 1e-9);
        Assert.Equal(0, work.FlopsPerPromptToken);
    }

    private static ModelWork Of(string cache, Workload work)
    {
        ModelPlan plan = PlannedShapes.Plan("window70", ConformanceConfigs.All["window70"], "f32", cache);
        return ModelWork.Of(plan, work);
    }
}

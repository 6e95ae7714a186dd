using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Tests.Numerics;

public sealed class ExponentialTests
{
    [Fact]
    public void ExpAgreesWithTheLibrary()
    {
        Random random = new(2);
        for (int i = 0; i < 50_000; i++)
        {
            double x = (random.NextDouble() * 1408) - 708;
            Assert.InRange(Exponential.Exp(x) / Math.Exp(x), 1 - 1e-15, 1 + 1e-15);
        }

        Assert.Equal(1, Exponential.Exp(0));
        Assert.Equal(0, Exponential.Exp(-709));
        Assert.Equal(0, Exponential.Exp(double.NegativeInfinity));
    }

    [Fact]
    public void LogAgreesWithTheLibrary()
    {
        Random random = new(3);
        for (int i = 0; i < 50_000; i++)
        {
            double x = Math.Pow(2, (random.NextDouble() * 200) - 100);
            double expected = Math.Log(x);
            Assert.True(Math.Abs(Exponential.Log(x) - expected) <= 4e-16 * Math.Max(1e-3, Math.Abs(expected)), $"{x:r}");
        }

        Assert.Equal(0, Exponential.Log(1));
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.3)]
    [InlineData(1e-310)]
    public void AVectorGivesTheBitsOfAScalar(double temperature)
    {
        Random random = new(4);
        float[] scores = [.. Enumerable.Range(0, 1003).Select(_ => random.NextSingle() * -900), float.NegativeInfinity, 0f, -1e-30f];
        double[] weights = new double[scores.Length];
        Exponential.Weights(scores, 0, temperature, weights);
        for (int i = 0; i < scores.Length; i++)
        {
            Assert.Equal(BitConverter.DoubleToUInt64Bits(Exponential.Exp(scores[i] / temperature)), BitConverter.DoubleToUInt64Bits(weights[i]));
        }
    }

    [Fact]
    public void GivesTheSameBitsEverywhere()
    {
        ulong hash = 0;
        for (int i = 1; i < 100_000; i++)
        {
            hash = (hash * 31) + BitConverter.DoubleToUInt64Bits(Exponential.Exp(i * -0.00712345));
            hash = (hash * 31) + BitConverter.DoubleToUInt64Bits(Exponential.Log(i * 0.00712345));
        }

        Assert.Equal(7007327626371732257UL, hash);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(1001)]
    public void SumsEverything(int count) => Assert.Equal(count * (count + 1) / 2.0, Exponential.Sum([.. Enumerable.Range(1, count).Select(i => (double)i)]));
}

using CsCheck;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Tests.Graph;

public class DeterministicMathTests
{
    // The platform's own functions are within one ulp of the truth; ours are within half an ulp and a little.
    private const long AllowedUlps = 2;

    [Fact]
    public void PowAgreesWithThePlatform()
        => Gen.Select(Gen.Double[1e-10, 1e10], Gen.Double[-25, 25]).Sample((x, y) => Ulps(Math.Pow(x, y), DeterministicMath.Pow(x, y)) <= AllowedUlps);

    [Fact]
    public void PowAgreesWhereRotaryFrequenciesNeedIt()
    {
        foreach (double theta in new[] { 10000.0, 500000, 1e6, 1e7, 8000000 })
        {
            for (int i = 0; i < 512; i++)
            {
                Assert.InRange(Ulps(Math.Pow(theta, i / 512.0), DeterministicMath.Pow(theta, i / 512.0)), 0, 1);
            }
        }
    }

    [Fact]
    public void ExpAgreesWithThePlatform()
        => Gen.Double[-700, 700].Sample(x => Ulps(Math.Exp(x), DeterministicMath.Exp(x)) <= AllowedUlps);

    [Fact]
    public void LogAgreesWithThePlatform()
        => Gen.Double[-700, 700].Select(Math.Exp).Sample(x => Ulps(Math.Log(x), DeterministicMath.Log(x)) <= AllowedUlps);

    [Fact]
    public void LogAgreesNearOne()
        => Gen.Double[0.9, 1.1].Sample(x => Ulps(Math.Log(x), DeterministicMath.Log(x)) <= AllowedUlps);

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, Math.E)]
    [InlineData(-1, 0.36787944117144233)]
    [InlineData(710, double.PositiveInfinity)]
    [InlineData(-750, 0)]
    [InlineData(double.PositiveInfinity, double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity, 0)]
    [InlineData(double.NaN, double.NaN)]
    public void ExpAtTheEdges(double x, double expected) => Assert.Equal(expected, DeterministicMath.Exp(x));

    [Theory]
    [InlineData(1, 0)]
    [InlineData(0, double.NegativeInfinity)]
    [InlineData(-1, double.NaN)]
    [InlineData(double.PositiveInfinity, double.PositiveInfinity)]
    [InlineData(4.9406564584124654E-324, -744.44007192138122)]
    public void LogAtTheEdges(double x, double expected) => Assert.Equal(expected, DeterministicMath.Log(x));

    // The doubles nearest to values computed with 80 decimal digits: these bits on every platform.
    [Theory]
    [InlineData(10000.0, 0.3, 15.848931924611133)]
    [InlineData(500000.0, 0.015625, 1.2275703955658044)]
    [InlineData(500000.0, 0.96875, 331800.61884804425)]
    [InlineData(1000000.0, 0.9921875, 897687.1324473142)]
    [InlineData(10000.0, 0.5, 100.0)]
    [InlineData(2.0, 10.0, 1024.0)]
    [InlineData(500000.0, 0.0, 1.0)]
    public void PowersAreRoundedOnce(double x, double y, double expected) => Assert.Equal(expected, DeterministicMath.Pow(x, y));

    private static long Ulps(double expected, double actual)
        => Math.Abs(BitConverter.DoubleToInt64Bits(expected) - BitConverter.DoubleToInt64Bits(actual));
}

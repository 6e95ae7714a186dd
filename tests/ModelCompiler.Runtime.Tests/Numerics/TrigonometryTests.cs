using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Tests.Numerics;

public sealed class TrigonometryTests
{
    [Fact]
    public void AgreesWithTheLibraryToAnUlp()
    {
        Random random = new(1);
        foreach (double scale in (double[])[1e-9, 1, 100, 1e5, Trigonometry.MaxArgument])
        {
            for (int i = 0; i < 20_000; i++)
            {
                double x = ((2 * random.NextDouble()) - 1) * scale;
                (double sin, double cos) = Trigonometry.SinCos(x);
                RequireClose(Math.Sin(x), sin, x);
                RequireClose(Math.Cos(x), cos, x);
            }
        }
    }

    [Fact]
    public void IsExactWhereTheAngleComesCloseToAQuarterTurn()
    {
        // The nearest doubles to multiples of π/2 cancel all leading bits.
        for (int n = 1; n < 80_000_000; n = (n * 3 / 2) + 1)
        {
            double x = n * (Math.PI / 2);
            foreach (double near in (double[])[x, Math.BitIncrement(x), Math.BitDecrement(x)])
            {
                (double sin, double cos) = Trigonometry.SinCos(near);
                RequireClose(Math.Sin(near), sin, near);
                RequireClose(Math.Cos(near), cos, near);
            }
        }
    }

    [Fact]
    public void IsExactAtRotaryAngles()
    {
        foreach (int position in (int[])[0, 1, 2, 63, 64, 4095, 131_071, 1_048_575, (1 << 27) - 1])
        {
            for (int pair = 0; pair < 64; pair++)
            {
                double angle = position * Math.Pow(500_000, -pair / 64.0);
                (double sin, double cos) = Trigonometry.SinCos(angle);
                RequireClose(Math.Sin(angle), sin, angle);
                RequireClose(Math.Cos(angle), cos, angle);
            }
        }

        Assert.Equal((0.0, 1.0), Trigonometry.SinCos(0));
    }

    [Fact]
    public void RefusesWhatItCannotReduce()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Trigonometry.SinCos(1.5e8));
        Assert.Throws<ArgumentOutOfRangeException>(() => Trigonometry.SinCos(double.NaN));
    }

    /// <summary>A hash over many arguments, so that a drift anywhere shows.</summary>
    [Fact]
    public void GivesTheSameBitsEverywhere()
    {
        ulong hash = 0;
        for (int i = 0; i < 100_000; i++)
        {
            (double sin, double cos) = Trigonometry.SinCos(i * 1234.56789);
            hash = (hash * 31) + BitConverter.DoubleToUInt64Bits(sin);
            hash = (hash * 31) + BitConverter.DoubleToUInt64Bits(cos);
        }

        Assert.Equal(7231711520153849707UL, hash);
    }

    /// <summary>Equal, or neighbours.</summary>
    private static void RequireClose(double expected, double found, double x)
    {
        double ulp = Math.Max(Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected), double.Epsilon);
        Assert.True(Math.Abs(expected - found) <= ulp, $"x = {x:r}: found {found:r}, expected {expected:r}");
    }
}

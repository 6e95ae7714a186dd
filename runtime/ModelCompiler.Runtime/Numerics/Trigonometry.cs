namespace ModelCompiler.Runtime.Numerics;

/// <summary>
/// Sine and cosine from IEEE 754 double additions and multiplications only, so that every platform gives the same bits (those of
/// <see cref="Math"/> are the C library's). Error below 1 ulp for |x| ≤ 2^27. Polynomials: Sun's fdlibm, k_sin.c and k_cos.c.
/// </summary>
internal static class Trigonometry
{
    /// <summary>Largest argument.</summary>
    public const double MaxArgument = 1 << 27;

    // π/2 in three pieces of 26 bits, whose product with a quadrant number below 2^27 is exact, and the rest rounded to 53 bits.
    private const double HalfPi0 = 1.5707963109016418;
    private const double HalfPi1 = 1.5893254712295857e-8;
    private const double HalfPi2 = 6.123233932053594e-17;
    private const double HalfPi3 = 6.36831716351095e-25;
    private const double TwoOverPi = 0.6366197723675814;

    /// <summary>sin x and cos x.</summary>
    /// <exception cref="ArgumentOutOfRangeException">|x| above <see cref="MaxArgument"/>, or not a number.</exception>
    public static (double Sin, double Cos) SinCos(double x)
    {
        if (!(Math.Abs(x) <= MaxArgument))
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "The angle is beyond 2^27 radians.");
        }

        // x = quadrant · π/2 + high + low, |high| ≤ π/4.
        double quadrant = Math.Floor((x * TwoOverPi) + 0.5);
        double rest = x - (quadrant * HalfPi0);
        (double sum, double error1) = Subtract(rest, quadrant * HalfPi1);
        (sum, double error2) = Subtract(sum, quadrant * HalfPi2);
        double errors = error1 + error2 - (quadrant * HalfPi3);
        double high = sum + errors;
        double low = sum - high + errors;

        double sin = SinOfReduced(high, low);
        double cos = CosOfReduced(high, low);
        return ((long)quadrant & 3) switch
        {
            0 => (sin, cos),
            1 => (cos, -sin),
            2 => (-sin, -cos),
            _ => (-cos, sin),
        };
    }

    /// <summary>a − b and what rounding lost (Knuth's two-sum).</summary>
    private static (double Difference, double Error) Subtract(double a, double b)
    {
        double difference = a - b;
        double seen = difference - a;
        return (difference, a - (difference - seen) - (b + seen));
    }

    private static double SinOfReduced(double x, double low)
    {
        double z = x * x;
        double r = 8.33333333332248946124e-03 + (z * (-1.98412698298579493134e-04 + (z * (2.75573137070700676789e-06
            + (z * (-2.50507602534068634195e-08 + (z * 1.58969099521155010221e-10)))))));
        double cube = z * x;
        return x - ((z * ((0.5 * low) - (cube * r))) - low + (cube * 1.66666666666666324348e-01));
    }

    private static double CosOfReduced(double x, double low)
    {
        double z = x * x;
        double r = z * (4.16666666666666019037e-02 + (z * (-1.38888888888741095749e-03 + (z * (2.48015872894767294178e-05
            + (z * (-2.75573143513906633035e-07 + (z * (2.08757232129817482790e-09 + (z * -1.13596475577881948265e-11))))))))));
        double half = 0.5 * z;
        double one = 1.0 - half;
        return one + (1.0 - one - half + ((z * r) - (x * low)));
    }
}

using System.Numerics;

namespace ModelCompiler.Runtime.Numerics;

/// <summary>
/// exp and ln from IEEE 754 double operations only, the same bits on every platform and for any width of a vector: a draw with a
/// seed must not depend on the C library. Error of a few ulp.
/// </summary>
internal static class Exponential
{
    // Below this the result would be subnormal; it counts as 0.
    private const double Smallest = -708;
    private const double Log2E = 1.4426950408889634;
    private const double Ln2High = 0.693147180369123816490;
    private const double Ln2Low = 1.90821492927058770002e-10;

    // 1.5 · 2^52 + 1023: adding it rounds to an integer, whose low bits, shifted up, are the exponent of 2^k.
    private const double Shifter = 6755399441055744.0 + 1023;

    /// <summary>1/n! for n = 13 … 2: Taylor's series is exact to 2^-57 for |r| ≤ ln 2 / 2.</summary>
    private static ReadOnlySpan<double> Coefficients =>
    [
        1.6059043836821613e-10, 2.08767569878681e-09, 2.505210838544172e-08, 2.755731922398589e-07, 2.7557319223985893e-06,
        2.48015873015873e-05, 0.0001984126984126984, 0.001388888888888889, 0.008333333333333333, 0.041666666666666664,
        0.16666666666666666, 0.5,
    ];

    /// <summary>e^x for x ≤ 709; 0 below −708.</summary>
    public static double Exp(double x)
    {
        if (!(x >= Smallest))
        {
            return 0;
        }

        double shifted = (x * Log2E) + Shifter;
        double k = shifted - Shifter;
        double r = x - (k * Ln2High) - (k * Ln2Low);
        double p = Coefficients[0];
        foreach (double coefficient in Coefficients[1..])
        {
            p = (p * r) + coefficient;
        }

        p = (((p * r) + 1) * r) + 1;
        return p * BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(shifted) << 52);
    }

    /// <summary>weights[i] = e^((scores[i] − max) / temperature): in (0, 1], 0 where it would be below e^-708.</summary>
    /// <param name="scores">None above <paramref name="max"/>; −∞ gives 0.</param>
    /// <param name="max">Finite.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="weights">As long as <paramref name="scores"/>.</param>
    public static void Weights(ReadOnlySpan<float> scores, float max, double temperature, Span<double> weights)
    {
        int i = 0;
        for (; i <= scores.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(scores[i..]), out Vector<double> low, out Vector<double> high);
            Exp((low - new Vector<double>(max)) / new Vector<double>(temperature)).CopyTo(weights[i..]);
            Exp((high - new Vector<double>(max)) / new Vector<double>(temperature)).CopyTo(weights[(i + Vector<double>.Count)..]);
        }

        for (; i < scores.Length; i++)
        {
            weights[i] = Exp(((double)scores[i] - max) / temperature);
        }
    }

    /// <summary>ln x for normal x > 0.</summary>
    public static double Log(double x)
    {
        // x = m · 2^e with m in [√½, √2); ln m = 2 artanh f, f = (m − 1) / (m + 1), |f| ≤ 0.172.
        long bits = BitConverter.DoubleToInt64Bits(x);
        long exponent = (bits - 0x3FE6A09E667F3BCD) >> 52;
        double m = BitConverter.Int64BitsToDouble(bits - (exponent << 52));
        double f = (m - 1) / (m + 1);
        double s = f * f;
        double sum = 0;
        for (int n = 21; n >= 3; n -= 2)
        {
            sum = (sum + (1.0 / n)) * s;
        }

        return (exponent * Ln2High) + ((2 * f) + ((2 * f * sum) + (exponent * Ln2Low)));
    }

    /// <summary>The sum over eight lanes, element i in lane i mod 8, then the lanes in order: a fixed order, whatever the processor.</summary>
    public static double Sum(ReadOnlySpan<double> numbers)
    {
        double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
        for (; numbers.Length >= 8; numbers = numbers[8..])
        {
            s0 += numbers[0];
            s1 += numbers[1];
            s2 += numbers[2];
            s3 += numbers[3];
            s4 += numbers[4];
            s5 += numbers[5];
            s6 += numbers[6];
            s7 += numbers[7];
        }

        double sum = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
        foreach (double number in numbers)
        {
            sum += number;
        }

        return sum;
    }

    private static Vector<double> Exp(Vector<double> x)
    {
        Vector<double> shifted = (x * Log2E) + new Vector<double>(Shifter);
        Vector<double> k = shifted - new Vector<double>(Shifter);
        Vector<double> r = x - (k * Ln2High) - (k * Ln2Low);
        Vector<double> p = new(Coefficients[0]);
        foreach (double coefficient in Coefficients[1..])
        {
            p = (p * r) + new Vector<double>(coefficient);
        }

        p = (((p * r) + Vector<double>.One) * r) + Vector<double>.One;
        Vector<double> result = p * Vector.AsVectorDouble(Vector.ShiftLeft(Vector.AsVectorInt64(shifted), 52));
        return Vector.ConditionalSelect(Vector.GreaterThanOrEqual(x, new Vector<double>(Smallest)), result, Vector<double>.Zero);
    }
}

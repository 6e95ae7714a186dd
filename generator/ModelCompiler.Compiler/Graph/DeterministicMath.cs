namespace ModelCompiler.Compiler.Graph;

/// <summary>
/// exp, log and pow in double precision out of IEEE additions, multiplications and divisions only, so that constants that go
/// into emitted text are the same on every platform (<see cref="Math.Pow"/> and its like differ in the last bit). Computed
/// in double-double arithmetic (T. J. Dekker 1971) and rounded once: within 1 ulp. For build time: slow.
/// </summary>
public static class DeterministicMath
{
    // ln 2 to 106 bits.
    private static readonly Twin Ln2 = new(0.693147180559945286226764, 2.319046813846299558417771e-17);

    /// <summary>e^x. 0 below −745.2 and infinity above 709.8, as <see cref="Math.Exp"/>; results below 2^−1022 may be off by 1 ulp more.</summary>
    public static double Exp(double x) => double.IsNaN(x) ? x : Exp(new Twin(x, 0));

    /// <summary>ln x; −infinity for 0, NaN below.</summary>
    public static double Log(double x)
    {
        if (x <= 0 || double.IsNaN(x) || double.IsPositiveInfinity(x))
        {
            return x == 0 ? double.NegativeInfinity : x > 0 ? x : double.NaN;
        }

        return LogTwin(x).High;
    }

    /// <summary>x^y for x &gt; 0 and finite y; throws <see cref="ArgumentOutOfRangeException"/> for other x.</summary>
    public static double Pow(double x, double y)
    {
        if (!(x > 0) || double.IsInfinity(x))
        {
            throw new ArgumentOutOfRangeException(nameof(x), x, "The base must be positive and finite.");
        }

        return Exp(LogTwin(x) * new Twin(y, 0));
    }

    private static double Exp(Twin x)
    {
        if (x.High is > 710 or < -746)
        {
            return x.High > 0 ? double.PositiveInfinity : 0;
        }

        // e^x = 2^k · e^r with |r| ≤ ln 2 / 2, and e^r by its Taylor series: 0.35^28 / 28! is below 2^-130.
        double k = Math.Floor((x.High / Ln2.High) + 0.5);
        Twin r = x + (new Twin(-k, 0) * Ln2);
        Twin sum = new(1, 0);
        for (int n = 27; n >= 1; n--)
        {
            sum = new Twin(1, 0) + (r * sum / new Twin(n, 0));
        }

        // In two steps, because 2^k itself may lie outside the normal numbers where the product does not.
        int half = (int)k / 2;
        return sum.High * PowerOfTwo(half) * PowerOfTwo((int)k - half);
    }

    private static Twin LogTwin(double x)
    {
        int exponent = 0;
        if (x < 2.2250738585072014E-308)
        {
            x *= 18014398509481984; // 2^54
            exponent = -54;
        }

        // x = 2^exponent · m with m in [√½, √2); ln m = 2 (s + s³/3 + s⁵/5 + …), s = (m − 1) / (m + 1), |s| < 0.172.
        long bits = BitConverter.DoubleToInt64Bits(x);
        exponent += (int)(bits >> 52) - 1023;
        double m = BitConverter.Int64BitsToDouble((bits & 0xFFFFFFFFFFFFF) | (1023L << 52));
        if (m > 1.4142135623730951)
        {
            m /= 2;
            exponent++;
        }

        Twin s = new Twin(m - 1, 0) / Twin.Sum(m, 1);
        Twin square = s * s;
        Twin sum = new(0, 0);
        for (int n = 45; n >= 1; n -= 2)
        {
            sum = (sum * square) + (new Twin(1, 0) / new Twin(n, 0));
        }

        return (new Twin(exponent, 0) * Ln2) + (new Twin(2, 0) * s * sum);
    }

    private static double PowerOfTwo(int exponent) => BitConverter.Int64BitsToDouble((long)(exponent + 1023) << 52);

    /// <summary>An unevaluated sum of two doubles, |Low| ≤ ½ ulp(High).</summary>
    private readonly struct Twin(double high, double low)
    {
        public double High { get; } = high;

        private double Low { get; } = low;

        public static Twin Sum(double a, double b)
        {
            double sum = a + b;
            double fromB = sum - a;
            return new Twin(sum, (a - (sum - fromB)) + (b - fromB));
        }

        public static Twin operator +(Twin a, Twin b)
        {
            Twin high = Sum(a.High, b.High);
            Twin low = Sum(a.Low, b.Low);
            Twin joined = QuickSum(high.High, high.Low + low.High);
            return QuickSum(joined.High, joined.Low + low.Low);
        }

        public static Twin operator *(Twin a, Twin b)
        {
            Twin product = Product(a.High, b.High);
            return QuickSum(product.High, product.Low + ((a.High * b.Low) + (a.Low * b.High)));
        }

        public static Twin operator /(Twin a, Twin b)
        {
            double first = a.High / b.High;
            Twin rest = a + (new Twin(-first, 0) * b);
            double second = rest.High / b.High;
            rest += new Twin(-second, 0) * b;
            return QuickSum(first, second) + new Twin(rest.High / b.High, 0);
        }

        private static Twin QuickSum(double large, double small)
        {
            double sum = large + small;
            return new Twin(sum, small - (sum - large));
        }

        // Exact, by cutting both factors into halves of 26 bits: a fused multiply-add is not there on every platform.
        private static Twin Product(double a, double b)
        {
            double product = a * b;
            (double aHigh, double aLow) = Split(a);
            (double bHigh, double bLow) = Split(b);
            return new Twin(product, ((aHigh * bHigh) - product + (aHigh * bLow) + (aLow * bHigh)) + (aLow * bLow));
        }

        private static (double High, double Low) Split(double a)
        {
            double scaled = 134217729 * a; // 2^27 + 1
            double high = scaled - (scaled - a);
            return (high, a - high);
        }
    }
}

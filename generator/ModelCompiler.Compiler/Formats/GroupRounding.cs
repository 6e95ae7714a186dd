namespace ModelCompiler.Compiler.Formats;

/// <summary>
/// Chooses the scale of a group and rounds its numbers to integers: the best in squared error of round-to-nearest and of a search over scales,
/// each refitted by least squares (after llama.cpp's make_qx_quants).
/// </summary>
internal static class GroupRounding
{
    private const int Candidates = 9;
    private const double Step = 0.1;

    /// <summary>
    /// Writes the integers, each within lowest … highest, and returns the scale as bfloat16: numbers[k] ≈ scale · integers[k].
    /// Throws <see cref="OverflowException"/> for an infinity or NaN.
    /// </summary>
    public static ushort Fit(ReadOnlySpan<float> numbers, int lowest, int highest, Span<int> integers)
    {
        float peak = 0; // the number that lies farthest from zero
        foreach (float number in numbers)
        {
            if (float.IsNaN(number) || float.IsInfinity(number))
            {
                HalfFloats.ToBF16(number); // names the number
            }

            peak = Math.Abs(number) > Math.Abs(peak) ? number : peak;
        }

        if (peak == 0)
        {
            integers.Clear();
            return 0;
        }

        // The farthest number goes to the farther end of the range: the scale's sign is whatever that takes.
        int end = -lowest >= highest ? lowest : highest;
        ushort best = Best(numbers, lowest, highest, Away(peak / (double)end), (ushort)0);
        if (highest < 16)
        {
            best = Best(numbers, lowest, highest, HalfFloats.ToBF16((float)Search(numbers, peak, lowest, highest, end)), best);
        }

        Round(numbers, best, lowest, highest, integers);
        return best;
    }

    /// <summary>The best in squared error of <paramref name="other"/>, <paramref name="scale"/> and its neighbours.</summary>
    private static ushort Best(ReadOnlySpan<float> numbers, int lowest, int highest, ushort scale, ushort other)
    {
        ushort best = other;
        double least = Error(numbers, other, lowest, highest);
        for (int step = -1; step <= 2; step++)
        {
            ushort candidate = (ushort)Math.Max(scale + step, 0);
            double error = (candidate & 0x7F80) == 0x7F80 ? double.PositiveInfinity : Error(numbers, candidate, lowest, highest);
            if (error < least)
            {
                (least, best) = (error, candidate);
            }
        }

        return best;
    }

    /// <summary>The scale, refitted by least squares, of the candidate whose integers explain most.</summary>
    private static double Search(ReadOnlySpan<float> numbers, float peak, int lowest, int highest, int end)
    {
        double bestScore = -1, best = 0;
        for (int i = -Candidates; i <= Candidates; i++)
        {
            double score = Score(numbers, (end + (Math.Sign(end) * i * Step)) / peak, lowest, highest, out double scale);
            if (score > bestScore)
            {
                (bestScore, best) = (score, scale);
            }
        }

        return best;
    }

    /// <summary>How much of the numbers' energy integers at this scale can explain; <paramref name="scale"/>: the best one for them.</summary>
    private static double Score(ReadOnlySpan<float> numbers, double inverse, int lowest, int highest, out double scale)
    {
        double products = 0, squares = 0;
        foreach (float number in numbers)
        {
            double q = Clamp(number * inverse, lowest, highest);
            products += q * number;
            squares += q * q;
        }

        scale = squares > 0 ? products / squares : 0;
        return products * scale;
    }

    private static double Error(ReadOnlySpan<float> numbers, ushort scale, int lowest, int highest)
    {
        double value = HalfFloats.FromBF16(scale), inverse = value == 0 ? 0 : 1 / value, error = 0;
        foreach (float number in numbers)
        {
            double miss = number - (value * Clamp(number * inverse, lowest, highest));
            error += miss * miss;
        }

        return error;
    }

    private static void Round(ReadOnlySpan<float> numbers, ushort scale, int lowest, int highest, Span<int> integers)
    {
        double value = HalfFloats.FromBF16(scale), inverse = value == 0 ? 0 : 1 / value;
        for (int k = 0; k < integers.Length; k++)
        {
            integers[k] = (int)Clamp(numbers[k] * inverse, lowest, highest);
        }
    }

    /// <summary>The scale rounded away from zero, so that the farthest number keeps its place in the range.</summary>
    private static ushort Away(double scale)
    {
        ushort bits = HalfFloats.ToBF16((float)scale);
        return Math.Abs(HalfFloats.FromBF16(bits)) < Math.Abs(scale) && (bits & 0x7FFF) < 0x7F7F ? (ushort)(bits + 1) : bits;
    }

    private static double Clamp(double number, int lowest, int highest)
        => Math.Max(lowest, Math.Min(highest, Math.Round(number, MidpointRounding.ToEven)));
}

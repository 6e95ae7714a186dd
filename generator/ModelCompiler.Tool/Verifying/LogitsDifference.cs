namespace ModelCompiler.Tool.Verifying;

/// <summary>How far two runs' logits are apart, over all rows.</summary>
/// <param name="Rows">Tokens compared.</param>
/// <param name="Largest">Largest difference of two numbers.</param>
/// <param name="Relative">L2 of the difference over L2 of the second.</param>
/// <param name="BestTenth">A tenth of the rows, at least one, have no larger relative difference.</param>
/// <param name="MeanKl">Mean over rows of KL(second ‖ first), in nats.</param>
/// <param name="LargestKl">Of the worst row.</param>
/// <param name="TopOne">Share of rows whose most likely token is the same.</param>
internal sealed record LogitsDifference(int Rows, double Largest, double Relative, double BestTenth, double MeanKl, double LargestKl, double TopOne)
{
    /// <summary>Both [rows × vocab].</summary>
    public static LogitsDifference Of(ReadOnlySpan<double> first, ReadOnlySpan<double> second, int vocab)
    {
        (double largest, double errors, double squares, double klSum, double klLargest) = (0, 0, 0, 0, 0);
        int same = 0;
        List<double> rows = [];
        for (int begin = 0; begin < first.Length; begin += vocab)
        {
            ReadOnlySpan<double> a = first.Slice(begin, vocab), b = second.Slice(begin, vocab);
            (double rowErrors, double rowSquares) = (0, 0);
            for (int i = 0; i < vocab; i++)
            {
                double error = a[i] - b[i];
                rowErrors += error * error;
                rowSquares += b[i] * b[i];
                largest = Math.Max(largest, double.IsNaN(error) ? double.PositiveInfinity : Math.Abs(error));
            }

            rows.Add(Ratio(rowErrors, rowSquares));
            errors += rowErrors;
            squares += rowSquares;
            double kl = Kl(b, a);
            klSum += kl;
            klLargest = Math.Max(klLargest, kl);
            same += IndexOfLargest(a) == IndexOfLargest(b) ? 1 : 0;
        }

        rows.Sort();
        return new(rows.Count, largest, Ratio(errors, squares), rows[rows.Count / 10], klSum / rows.Count, klLargest, (double)same / rows.Count);
    }

    /// <summary>√(errors / squares); infinite where a number was none, so that no comparison with a tolerance passes.</summary>
    public static double Ratio(double errors, double squares)
    {
        double ratio = errors == 0 ? 0 : Math.Sqrt(errors / squares);
        return double.IsNaN(ratio) ? double.PositiveInfinity : ratio;
    }

    /// <summary>The lowest index among equals.</summary>
    public static int IndexOfLargest(ReadOnlySpan<double> numbers)
    {
        int best = 0;
        for (int i = 1; i < numbers.Length; i++)
        {
            best = numbers[i] > numbers[best] ? i : best;
        }

        return best;
    }

    /// <summary>Σ p (ln p − ln q), p and q the softmax of two rows.</summary>
    private static double Kl(ReadOnlySpan<double> p, ReadOnlySpan<double> q)
    {
        double pNorm = LogSum(p), qNorm = LogSum(q), sum = 0;
        for (int i = 0; i < p.Length; i++)
        {
            double log = p[i] - pNorm;
            sum += Math.Exp(log) * (log - (q[i] - qNorm));
        }

        return Math.Max(sum, 0);
    }

    private static double LogSum(ReadOnlySpan<double> row)
    {
        double max = row[IndexOfLargest(row)], sum = 0;
        foreach (double number in row)
        {
            sum += Math.Exp(number - max);
        }

        return max + Math.Log(sum);
    }
}

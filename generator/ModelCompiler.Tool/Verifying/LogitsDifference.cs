namespace ModelCompiler.Tool.Verifying;

/// <summary>How far two runs' logits are apart, over all rows of all sequences.</summary>
/// <param name="Rows">Tokens compared.</param>
/// <param name="Largest">Largest difference of two numbers.</param>
/// <param name="Relative">L2 of the difference over L2 of the second.</param>
/// <param name="MeanKl">Mean over rows of KL(second ‖ first), in nats.</param>
/// <param name="LargestKl">Of the worst row.</param>
/// <param name="TopOne">Share of rows whose most likely token is the same.</param>
internal sealed record LogitsDifference(int Rows, double Largest, double Relative, double MeanKl, double LargestKl, double TopOne);

/// <summary>Adds up differences, sequence by sequence: no sequence's logits are kept.</summary>
internal sealed class LogitsComparison
{
    private double largest, errors, squares, klSum, klLargest;
    private int rows, same;

    /// <summary>What was found so far.</summary>
    public LogitsDifference Found => new(rows, largest, Ratio(errors, squares), klSum / rows, klLargest, (double)same / rows);

    /// <summary>Adds a sequence: both [rows × vocab].</summary>
    public void Add(ReadOnlySpan<float> first, ReadOnlySpan<float> second, int vocab)
    {
        for (int begin = 0; begin < first.Length; begin += vocab)
        {
            ReadOnlySpan<float> a = first.Slice(begin, vocab), b = second.Slice(begin, vocab);
            for (int i = 0; i < vocab; i++)
            {
                double error = (double)a[i] - b[i];
                errors += error * error;
                squares += (double)b[i] * b[i];
                largest = Math.Max(largest, double.IsNaN(error) ? double.PositiveInfinity : Math.Abs(error));
            }

            double kl = Kl(b, a);
            klSum += kl;
            klLargest = Math.Max(klLargest, kl);
            same += IndexOfLargest(a) == IndexOfLargest(b) ? 1 : 0;
            rows++;
        }
    }

    /// <summary>√(errors / squares); infinite where a number was none, so that no comparison with a tolerance passes.</summary>
    public static double Ratio(double errors, double squares)
    {
        double ratio = errors == 0 ? 0 : Math.Sqrt(errors / squares);
        return double.IsNaN(ratio) ? double.PositiveInfinity : ratio;
    }

    /// <summary>The lowest index among equals.</summary>
    public static int IndexOfLargest(ReadOnlySpan<float> numbers)
    {
        int best = 0;
        for (int i = 1; i < numbers.Length; i++)
        {
            best = numbers[i] > numbers[best] ? i : best;
        }

        return best;
    }

    /// <summary>Σ p (ln p − ln q), p and q the softmax of two rows.</summary>
    private static double Kl(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        double pNorm = LogSum(p), qNorm = LogSum(q), sum = 0;
        for (int i = 0; i < p.Length; i++)
        {
            double log = p[i] - pNorm;
            sum += Math.Exp(log) * (log - (q[i] - qNorm));
        }

        return Math.Max(sum, 0);
    }

    private static double LogSum(ReadOnlySpan<float> row)
    {
        double max = row[IndexOfLargest(row)], sum = 0;
        foreach (double number in row)
        {
            sum += Math.Exp(number - max);
        }

        return max + Math.Log(sum);
    }
}

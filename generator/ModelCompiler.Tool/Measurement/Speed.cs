namespace ModelCompiler.Tool.Measurement;

/// <summary>Tokens per second over several repeats.</summary>
/// <param name="Tokens">Of one repeat, all sequences together.</param>
/// <param name="Median">Of the repeats.</param>
/// <param name="Slowest">Of the repeats.</param>
/// <param name="Fastest">Of the repeats.</param>
internal sealed record Speed(int Tokens, double Median, double Slowest, double Fastest)
{
    /// <summary>From the time that each repeat took.</summary>
    public static Speed Of(int tokens, IEnumerable<TimeSpan> times)
    {
        double[] rates = [.. times.Select(time => tokens / time.TotalSeconds).Order()];
        double median = (rates[(rates.Length - 1) / 2] + rates[rates.Length / 2]) / 2;
        return new(tokens, median, rates[0], rates[^1]);
    }
}

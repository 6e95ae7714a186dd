using System.Globalization;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>How far rows of logits are from the reference.</summary>
/// <param name="Largest">Largest difference of two numbers.</param>
/// <param name="Overall">Relative L2 of all rows together.</param>
/// <param name="BestTenth">A tenth of the rows, at least one, have no larger relative L2.</param>
internal sealed record RowErrors(double Largest, double Overall, double BestTenth)
{
    public static RowErrors Of(ReadOnlySpan<float> actual, ReadOnlySpan<double> expected, int width)
    {
        (double squares, double errors, double largest) = (0, 0, 0);
        List<double> rows = [];
        for (int begin = 0; begin < actual.Length; begin += width)
        {
            (double rowSquares, double rowErrors) = (0, 0);
            for (int i = begin; i < begin + width; i++)
            {
                double error = actual[i] - expected[i];
                rowSquares += expected[i] * expected[i];
                rowErrors += error * error;
                largest = Math.Max(largest, Math.Abs(error));
            }

            rows.Add(Math.Sqrt(rowErrors / rowSquares));
            squares += rowSquares;
            errors += rowErrors;
        }

        rows.Sort();
        return new(largest, Math.Sqrt(errors / squares), rows[rows.Count / 10]);
    }

    public override string ToString()
        => string.Create(CultureInfo.InvariantCulture, $"largest difference {Largest:e2}, relative L2 {Overall:e2}, of the best tenth of the rows at most {BestTenth:e2}");
}

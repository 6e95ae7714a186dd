using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference;

/// <summary>RMSNorm (arXiv 1910.07467) and LayerNorm (arXiv 1607.06450), over each group of a row.</summary>
internal static class ReferenceNorm
{
    /// <summary>
    /// y = (x − m) / √(mean((x − m)²) + ε) · (weight + weightOffset) + bias, where m is the mean for LayerNorm and 0 for RMSNorm.
    /// </summary>
    public static double[] Apply(Norm norm, double[] x, float[]? weight, float[]? bias)
    {
        int length = norm.Input.Width / norm.Groups;
        double[] y = new double[x.Length];
        for (int begin = 0; begin < x.Length; begin += length)
        {
            double centre = Centre(norm, x, begin);
            double inverse = Inverse(norm, x, begin, centre);
            for (int i = 0; i < length; i++)
            {
                double factor = weight is null ? 1 : weight[i] + norm.WeightOffset;
                y[begin + i] = ((x[begin + i] - centre) * inverse * factor) + (bias is null ? 0 : bias[i]);
            }
        }

        return y;
    }

    /// <summary>m of the group that begins at <paramref name="begin"/>.</summary>
    internal static double Centre(Norm norm, double[] x, int begin) => norm.Kind == NormKind.Layer ? Mean(x, begin, norm.Input.Width / norm.Groups) : 0;

    /// <summary>1 / √(mean((x − m)²) + ε) of the group that begins at <paramref name="begin"/>.</summary>
    internal static double Inverse(Norm norm, double[] x, int begin, double centre)
        => 1 / Math.Sqrt(MeanSquare(x, begin, norm.Input.Width / norm.Groups, centre) + norm.Epsilon);

    private static double Mean(double[] x, int begin, int length)
    {
        double sum = 0;
        for (int i = 0; i < length; i++)
        {
            sum += x[begin + i];
        }

        return sum / length;
    }

    private static double MeanSquare(double[] x, int begin, int length, double centre)
    {
        double sum = 0;
        for (int i = 0; i < length; i++)
        {
            double difference = x[begin + i] - centre;
            sum += difference * difference;
        }

        return sum / length;
    }
}

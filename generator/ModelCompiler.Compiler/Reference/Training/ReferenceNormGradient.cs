using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference.Training;

/// <summary>Gradients of RMSNorm and LayerNorm, over each group of a row; equations: <see cref="Graph.Training.NormGradient"/>.</summary>
internal static class ReferenceNormGradient
{
    /// <summary>dx of dy.</summary>
    public static double[] Input(Norm norm, double[] x, double[] outputGradient, float[]? weight)
    {
        int length = norm.Input.Width / norm.Groups;
        double[] normalised = Normalise(norm, x);
        double[] dx = new double[x.Length];
        double[] g = new double[length];
        for (int begin = 0; begin < x.Length; begin += length)
        {
            double mean = 0, meanProduct = 0;
            for (int i = 0; i < length; i++)
            {
                g[i] = outputGradient[begin + i] * (weight is null ? 1 : weight[i] + norm.WeightOffset);
                mean += g[i] / length;
                meanProduct += g[i] * normalised[begin + i] / length;
            }

            double inverse = ReferenceNorm.Inverse(norm, x, begin, ReferenceNorm.Centre(norm, x, begin));
            for (int i = 0; i < length; i++)
            {
                dx[begin + i] = inverse * (g[i] - (norm.Kind == NormKind.Layer ? mean : 0) - (normalised[begin + i] * meanProduct));
            }
        }

        return dx;
    }

    /// <summary>dweight += Σ dy · n, over tokens and groups.</summary>
    public static void AddWeight(Norm norm, double[] x, double[] outputGradient, double[] weightGradient)
    {
        double[] normalised = Normalise(norm, x);
        for (int i = 0; i < x.Length; i++)
        {
            weightGradient[i % weightGradient.Length] += outputGradient[i] * normalised[i];
        }
    }

    /// <summary>n: the norm without weight and bias.</summary>
    private static double[] Normalise(Norm norm, double[] x) => ReferenceNorm.Apply(norm, x, null, null);
}

namespace ModelCompiler.Compiler.Reference.Training;

/// <summary>Gradients of y[t, o] = Σk x[t, k] · W[o, k] + b[o].</summary>
internal static class ReferenceLinearGradient
{
    /// <summary>dx[t, k] = Σo dy[t, o] · W[o, k].</summary>
    public static double[] Input(double[] outputGradient, float[] weight, int outputs, int inputs)
    {
        int tokens = outputGradient.Length / outputs;
        double[] dx = new double[tokens * inputs];
        for (int o = 0; o < outputs; o++)
        {
            for (int t = 0; t < tokens; t++)
            {
                double dy = outputGradient[(t * outputs) + o];
                for (int k = 0; k < inputs; k++)
                {
                    dx[(t * inputs) + k] += dy * weight[(o * inputs) + k];
                }
            }
        }

        return dx;
    }

    /// <summary>dW[o, k] += Σt dy[t, o] · x[t, k].</summary>
    public static void AddWeight(double[] x, double[] outputGradient, int outputs, int inputs, double[] weightGradient)
    {
        for (int t = 0; t < x.Length / inputs; t++)
        {
            for (int o = 0; o < outputs; o++)
            {
                double dy = outputGradient[(t * outputs) + o];
                for (int k = 0; k < inputs; k++)
                {
                    weightGradient[(o * inputs) + k] += dy * x[(t * inputs) + k];
                }
            }
        }
    }

    /// <summary>db[o] += Σt dy[t, o].</summary>
    public static void AddBias(double[] outputGradient, double[] biasGradient)
    {
        for (int i = 0; i < outputGradient.Length; i++)
        {
            biasGradient[i % biasGradient.Length] += outputGradient[i];
        }
    }
}

using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference;

/// <summary>y[t, o] = Σk x[t, k] · W[o, k] + b[o].</summary>
internal static class ReferenceLinear
{
    public static double[] Apply(Linear linear, double[] x, float[] weight, float[]? bias)
    {
        int outputs = linear.Weight.Rows;
        int inputs = linear.Weight.Columns;
        int tokens = x.Length / inputs;
        double[] y = new double[tokens * outputs];

        // A row of W meets every token before the next is read: the weights, not the activations, are what is large.
        for (int o = 0; o < outputs; o++)
        {
            ReadOnlySpan<float> row = weight.AsSpan(o * inputs, inputs);
            for (int t = 0; t < tokens; t++)
            {
                double sum = bias is null ? 0 : bias[o];
                ReadOnlySpan<double> token = x.AsSpan(t * inputs, inputs);
                for (int k = 0; k < row.Length; k++)
                {
                    sum += token[k] * row[k];
                }

                y[(t * outputs) + o] = sum;
            }
        }

        return y;
    }
}

using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference;

/// <summary>
/// Rotary positions (RoFormer, arXiv 2104.09864), "half" layout: with angle a = t · inverseFrequency[i] and r pairs,
/// y[i] = (x[i] cos a − x[i + r] sin a) · factor and y[i + r] = (x[i + r] cos a + x[i] sin a) · factor.
/// Elements from 2r on pass unchanged.
/// </summary>
internal static class ReferenceRope
{
    public static double[] Apply(Rope rope, double[] x, RopeTable table) => Turn(rope, x, table, 1);

    /// <summary>dx of dy: a rotation and a factor are their own transpose, but for the direction.</summary>
    public static double[] Gradient(Rope rope, double[] outputGradient, RopeTable table) => Turn(rope, outputGradient, table, -1);

    private static double[] Turn(Rope rope, double[] x, RopeTable table, int direction)
    {
        int width = rope.Heads * rope.HeadDim;
        int pairs = table.InverseFrequencies.Count;
        double[] y = (double[])x.Clone();
        for (int t = 0; t < x.Length / width; t++)
        {
            for (int i = 0; i < pairs; i++)
            {
                double cos = Math.Cos(t * table.InverseFrequencies[i]) * table.AttentionFactor;
                double sin = direction * Math.Sin(t * table.InverseFrequencies[i]) * table.AttentionFactor;
                for (int h = 0; h < rope.Heads; h++)
                {
                    int first = (t * width) + (h * rope.HeadDim) + i;
                    int second = first + pairs;
                    y[first] = (x[first] * cos) - (x[second] * sin);
                    y[second] = (x[second] * cos) + (x[first] * sin);
                }
            }
        }

        return y;
    }
}

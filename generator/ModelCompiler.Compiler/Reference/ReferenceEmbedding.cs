using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference;

/// <summary>Rows of a table.</summary>
internal static class ReferenceEmbedding
{
    /// <summary>y[t] = table[token[t]].</summary>
    public static double[] Apply(Embedding embedding, int[] tokens, float[] table)
        => Rows(tokens.Length, embedding.Output.Width, t => tokens[t], table);

    /// <summary>y[t] = table[t + offset].</summary>
    public static double[] Apply(PositionEmbedding embedding, int tokens, float[] table)
        => Rows(tokens, embedding.Output.Width, t => t + embedding.Offset, table);

    private static double[] Rows(int count, int width, Func<int, int> row, float[] table)
    {
        double[] y = new double[count * width];
        for (int t = 0; t < count; t++)
        {
            for (int i = 0; i < width; i++)
            {
                y[(t * width) + i] = table[(row(t) * width) + i];
            }
        }

        return y;
    }
}

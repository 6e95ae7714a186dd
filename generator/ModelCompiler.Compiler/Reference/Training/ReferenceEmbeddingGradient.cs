namespace ModelCompiler.Compiler.Reference.Training;

/// <summary>Gradients of rows of a table.</summary>
internal static class ReferenceEmbeddingGradient
{
    /// <summary>dtable[row(t)] += dy[t] · factor.</summary>
    public static void Add(double[] outputGradient, int width, Func<int, int> row, double factor, double[] tableGradient)
    {
        for (int i = 0; i < outputGradient.Length; i++)
        {
            tableGradient[(row(i / width) * width) + (i % width)] += outputGradient[i] * factor;
        }
    }
}

using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Reference;

/// <summary>What a cache makes of keys or values: each head, as float32, rounded as its format rounds.</summary>
internal static class ReferenceCache
{
    /// <summary>[tokens × heads · headDim], rounded head by head.</summary>
    public static double[] Round(CacheFormat format, double[] heads, int headDim)
    {
        double[] rounded = new double[heads.Length];
        float[] head = new float[(headDim + 15) / 16 * 16]; // as padded: the last group of a format ends with zeros
        for (int first = 0; first < heads.Length; first += headDim)
        {
            for (int i = 0; i < headDim; i++)
            {
                head[i] = (float)heads[first + i];
            }

            Array.Clear(head, headDim, head.Length - headDim);
            format.Round(head);
            for (int i = 0; i < headDim; i++)
            {
                rounded[first + i] = head[i];
            }
        }

        return rounded;
    }
}

using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Reference;

namespace ModelCompiler.Tool.Verifying;

/// <summary>The double-precision reference as one more engine.</summary>
internal static class ReferenceRun
{
    /// <summary>Logits, and keys and values as a cache of that format keeps them.</summary>
    /// <param name="graph">Before fusion.</param>
    /// <param name="parameters">Its weights.</param>
    /// <param name="layout">Where given, inputs of block products are rounded.</param>
    /// <param name="cache">Rounds keys and values.</param>
    /// <param name="tokens">The sequence.</param>
    public static EngineRun Of(ModelGraph graph, IParameterSource parameters, PackedWeights? layout, CacheFormat cache, int[] tokens)
    {
        Dictionary<int, float[]> kept = [];
        Attention[] attentions = [.. graph.Operations.OfType<Attention>()];
        HashSet<int> wanted = [.. attentions.SelectMany(attention => new[] { attention.Key.Id, attention.Values.Id })];
        double[] logits = new ReferenceInterpreter(graph, parameters, layout, cache).Run(tokens, (operation, numbers) =>
        {
            if (wanted.Contains(operation.Output.Id))
            {
                kept.Add(operation.Output.Id, Array.ConvertAll(numbers, number => (float)number));
            }
        });
        return new(logits, [.. attentions.Select(attention => new LayerCache(
            ByHead(kept[attention.Key.Id], attention, cache), ByHead(kept[attention.Values.Id], attention, cache)))]);
    }

    /// <summary>[tokens × kvHeads · headDim] to [kvHeads × tokens × headDim], each head rounded.</summary>
    private static float[] ByHead(float[] rows, Attention attention, CacheFormat cache)
    {
        (int heads, int headDim) = (attention.KvHeads, attention.HeadDim);
        int tokens = rows.Length / (heads * headDim);
        float[] result = new float[rows.Length];
        float[] padded = new float[(headDim + 15) / 16 * 16];
        for (int token = 0; token < tokens; token++)
        {
            for (int head = 0; head < heads; head++)
            {
                Array.Clear(padded);
                Array.Copy(rows, ((token * heads) + head) * headDim, padded, 0, headDim);
                cache.Round(padded);
                Array.Copy(padded, 0, result, ((head * tokens) + token) * headDim, headDim);
            }
        }

        return result;
    }
}

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
    /// <param name="cache">Where given, rounds keys and values; only with a <paramref name="witness"/>.</param>
    /// <param name="tokens">The sequence.</param>
    /// <param name="witness">Says how to round what lies in the middle; with a layout or a cache that rounds.</param>
    public static EngineRun Of(ModelGraph graph, IParameterSource parameters, int[] tokens, PackedWeights? layout = null, CacheFormat? cache = null, RoundingWitness? witness = null)
    {
        Dictionary<int, double[]> kept = [];
        Attention[] attentions = [.. graph.Operations.OfType<Attention>()];
        HashSet<int> wanted = [.. attentions.SelectMany(attention => new[] { attention.Key.Id, attention.Values.Id })];
        double[] logits = new ReferenceInterpreter(graph, parameters, layout, cache, witness).Run(tokens, (operation, numbers) =>
        {
            if (wanted.Contains(operation.Output.Id))
            {
                kept.Add(operation.Output.Id, numbers);
            }
        });
        LayerCache Cache(Attention attention) => new(ByHead(attention.Key, attention), ByHead(attention.Values, attention));
        float[] ByHead(Value value, Attention attention) => ReferenceRun.ByHead(witness?.Taken(value) ?? kept[value.Id], attention);
        return new(Array.ConvertAll(logits, logit => (float)logit), [.. attentions.Select(Cache)]);
    }

    /// <summary>[tokens × kvHeads · headDim] to [kvHeads × tokens × headDim].</summary>
    private static float[] ByHead(double[] rows, Attention attention)
    {
        (int heads, int headDim) = (attention.KvHeads, attention.HeadDim);
        int tokens = rows.Length / (heads * headDim);
        float[] result = new float[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            (int token, int head, int element) = (i / (heads * headDim), i / headDim % heads, i % headDim);
            result[(((head * tokens) + token) * headDim) + element] = (float)rows[i];
        }

        return result;
    }
}

using ModelCompiler.Onnx;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Tool.Verifying;

/// <summary>What one engine made of a sequence: a prompt at once, then tokens one by one, so that both kinds of steps are seen.</summary>
/// <param name="Logits">[tokens × vocab].</param>
/// <param name="Layers">Keys and values of each layer.</param>
internal sealed record EngineRun(float[] Logits, IReadOnlyList<LayerCache> Layers)
{
    /// <summary>The emitted code.</summary>
    public static EngineRun Of(CompiledModel model, ReadOnlySpan<int> tokens, int prompt, CancellationToken cancellation)
    {
        ModelDescription description = model.Description;
        using Session session = model.CreateSession();
        float[] logits = new float[(long)tokens.Length * description.Vocab];
        session.Forward(tokens[..prompt], LogitsFor.All, cancellation).ToArray().CopyTo(logits, 0);
        for (int i = prompt; i < tokens.Length; i++)
        {
            session.Forward(tokens.Slice(i, 1), LogitsFor.Last, cancellation).Last.CopyTo(logits.AsSpan(i * description.Vocab));
        }

        return new(logits, Caches(description, tokens.Length, session.CopyCache));
    }

    /// <summary>ONNX Runtime.</summary>
    public static EngineRun Of(OnnxModel model, ModelDescription description, ReadOnlySpan<int> tokens, int prompt, CancellationToken cancellation)
    {
        using IOffloadedSequence sequence = model.Begin();
        float[] logits = new float[(long)tokens.Length * description.Vocab];
        for (int read = 0; read < tokens.Length;)
        {
            int count = read == 0 ? prompt : 1;
            sequence.Read(tokens[..(read + count)], logits.AsSpan(read * description.Vocab, count * description.Vocab), description.Vocab, cancellation);
            read += count;
        }

        return new(logits, Caches(description, tokens.Length, sequence.CopyCache));
    }

    private delegate void CopyLayer(int layer, Span<float> keys, Span<float> values);

    private static LayerCache[] Caches(ModelDescription description, int positions, CopyLayer copy)
    {
        LayerCache[] caches = new LayerCache[description.Layers];
        for (int layer = 0; layer < caches.Length; layer++)
        {
            long length = (long)description.KvHeads * positions * description.HeadDim;
            caches[layer] = new LayerCache(new float[length], new float[length]);
            copy(layer, caches[layer].Keys, caches[layer].Values);
        }

        return caches;
    }
}

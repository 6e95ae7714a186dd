using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>What the families that follow Llama differ in.</summary>
internal sealed record RotaryDecoderSettings
{
    public required DecoderSizes Sizes { get; init; }

    public required Dimensions Dimensions { get; init; }

    /// <summary>ε of every norm.</summary>
    public required double Epsilon { get; init; }

    public required ActivationKind Activation { get; init; }

    public required RopeTable Rope { get; init; }

    /// <summary>The head multiplies with the embedding table.</summary>
    public required Flag TiedHead { get; init; }

    /// <summary>q, k and v have a bias.</summary>
    public Flag QueryKeyValueBias { get; init; }

    /// <summary>The output projection of attention has a bias.</summary>
    public Flag AttentionOutputBias { get; init; }

    /// <summary>gate, up and down have a bias.</summary>
    public Flag FeedForwardBias { get; init; }

    /// <summary>q and k are normalised head by head before they are rotated.</summary>
    public bool HeadNorms { get; init; }

    /// <summary>The window of each layer; empty: every layer sees the whole past.</summary>
    public EquatableArray<int?> Windows { get; init; }
}

/// <summary>
/// The decoder of the Llama line: pre-norm residual layers of grouped-query attention with rotary positions and a gated
/// feed-forward network. Tensor names are those of the transformers library.
/// </summary>
internal sealed class RotaryDecoder(RotaryDecoderSettings settings, GraphBuilder graph)
{
    private readonly DecoderSizes sizes = settings.Sizes;
    private readonly int rope = graph.RopeTable(settings.Rope);

    /// <summary>Writes the whole model.</summary>
    public ModelGraph? Build()
    {
        graph.Enter(Section.Embedding);
        graph.Layers(sizes.Layers, "model.layers.");
        Parameter table = graph.Matrix("model.embed_tokens.weight", sizes.Vocab, sizes.Dim);
        Value x = graph.Embedding("embedded", table);
        for (int layer = 0; layer < sizes.Layers; layer++)
        {
            string tensors = $"model.layers.{layer}.";
            graph.Enter(Section.Attention, layer);
            x = AddAttention(x, layer, tensors);
            graph.Enter(Section.FeedForward, layer);
            x = AddFeedForward(x, tensors);
        }

        graph.Enter(Section.Head);
        x = graph.RmsNorm("normed", x, graph.Vector("model.norm.weight", sizes.Dim), settings.Epsilon);
        Parameter head = settings.TiedHead ? table : graph.Matrix("lm_head.weight", sizes.Vocab, sizes.Dim, because: settings.TiedHead);
        if (settings.TiedHead)
        {
            graph.Ignore("lm_head.weight"); // some files hold the shared table twice
        }

        return graph.Finish(settings.Dimensions, graph.Linear("logits", x, head));
    }

    /// <summary>x + o(attention(rope(q(norm x)), rope(k(norm x)), v(norm x))).</summary>
    private Value AddAttention(Value x, int layer, string tensors)
    {
        string attention = tensors + "self_attn.";
        Flag bias = settings.QueryKeyValueBias;
        Size queryWidth = sizes.Heads * sizes.HeadDim;
        Size keyWidth = sizes.KvHeads * sizes.HeadDim;
        Value normed = graph.RmsNorm("attentionInput", x, graph.Vector(tensors + "input_layernorm.weight", sizes.Dim), settings.Epsilon);
        Value query = Project("query", normed, attention + "q_proj", queryWidth, sizes.Dim, bias);
        Value key = Project("key", normed, attention + "k_proj", keyWidth, sizes.Dim, bias);
        Value values = Project("values", normed, attention + "v_proj", keyWidth, sizes.Dim, bias);
        if (settings.HeadNorms)
        {
            query = NormHeads("normedQuery", query, attention + "q_norm.weight", sizes.Heads);
            key = NormHeads("normedKey", key, attention + "k_norm.weight", sizes.KvHeads);
        }

        Value rotatedQuery = graph.Rope("rotatedQuery", query, sizes.Heads, sizes.HeadDim, rope);
        Value rotatedKey = graph.Rope("rotatedKey", key, sizes.KvHeads, sizes.HeadDim, rope);
        Value attended = graph.Attention(
            "attended", rotatedQuery, rotatedKey, values, sizes.Heads, sizes.KvHeads, sizes.HeadDim,
            scoreScale: 1 / Math.Sqrt(sizes.HeadDim),
            window: settings.Windows.Count > 0 ? settings.Windows[layer] : null);
        Value output = Project("attentionOutput", attended, attention + "o_proj", sizes.Dim, queryWidth, settings.AttentionOutputBias);
        return graph.Add("afterAttention", x, output);
    }

    /// <summary>x + down(f(gate(norm x)) · up(norm x)).</summary>
    private Value AddFeedForward(Value x, string tensors)
    {
        string feedForward = tensors + "mlp.";
        Flag bias = settings.FeedForwardBias;
        Value normed = graph.RmsNorm(
            "feedForwardInput", x, graph.Vector(tensors + "post_attention_layernorm.weight", sizes.Dim), settings.Epsilon);
        Value gate = Project("gate", normed, feedForward + "gate_proj", sizes.HiddenDim, sizes.Dim, bias);
        Value activated = graph.Activation("activatedGate", gate, settings.Activation);
        Value up = Project("up", normed, feedForward + "up_proj", sizes.HiddenDim, sizes.Dim, bias);
        Value hidden = graph.Multiply("hidden", activated, up);
        Value output = Project("feedForwardOutput", hidden, feedForward + "down_proj", sizes.Dim, sizes.HiddenDim, bias);
        return graph.Add("afterFeedForward", x, output);
    }

    private Value Project(string name, Value input, string tensor, Size outputs, Size inputs, Flag bias) => graph.Linear(
        name, input, graph.Matrix(tensor + ".weight", outputs, inputs), graph.OptionalVector(tensor + ".bias", outputs, bias));

    private Value NormHeads(string name, Value input, string tensor, int heads)
        => graph.RmsNorm(name, input, graph.Vector(tensor, sizes.HeadDim), settings.Epsilon, groups: heads);
}

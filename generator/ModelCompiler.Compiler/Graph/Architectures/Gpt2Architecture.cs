using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>
/// GPT-2 (Radford et al. 2019): learned positions, LayerNorm with bias, one fused q/k/v tensor, a plain feed-forward network, weights
/// stored as [inputs × outputs]. Names with and without the <c>transformer.</c> prefix.
/// </summary>
internal sealed class Gpt2Architecture : Architecture
{
    /// <inheritdoc/>
    public override string Family => "gpt2";

    /// <inheritdoc/>
    public override ModelGraph? Build(ConfigReader config, GraphBuilder graph)
    {
        Settings settings = Read(config);
        return config.Failed ? null : new Decoder(settings, graph).Build();
    }

    /// <inheritdoc/>
    public override string ModuleOf(string tensor)
        => base.ModuleOf(tensor.StartsWith("h.", StringComparison.Ordinal) ? "transformer." + tensor : tensor);

    private static Settings Read(ConfigReader config)
    {
        Size dim = config.Size("n_embd", 1, DecoderSizes.LargestDim);
        Size heads = config.Size("n_head", 1, DecoderSizes.MostHeads);
        DecoderSizes sizes = new(
            dim,
            config.Size("n_inner", 1, DecoderSizes.LargestHiddenDim, 4 * dim),
            config.Size("n_layer", 1, DecoderSizes.MostLayers),
            heads,
            heads,
            DecoderSizes.SharedHeadDim(config, dim, heads),
            config.Size("vocab_size", 1, DecoderSizes.LargestVocab),
            config.Size("n_positions", 1, DecoderSizes.LongestContext, 1024));
        config.Refuse("add_cross_attention", "Models that read another model's output are not supported.");
        return new Settings(
            sizes,
            sizes.ToDimensions(config, usualBegin: 50256, usualEnd: 50256),
            config.Number("layer_norm_epsilon", 1e-30, 1, 1e-5),
            config.Choice("activation_function", ActivationNames.All, ActivationKind.GeluTanh),
            config.Flag("scale_attn_weights", true),
            config.Flag("scale_attn_by_inverse_layer_idx", false),
            config.Flag("tie_word_embeddings", true));
    }

    private sealed record Settings(
        DecoderSizes Sizes, Dimensions Dimensions, double Epsilon, ActivationKind Activation,
        bool ScaleByHead, bool ScaleByLayer, Flag TiedHead);

    private sealed class Decoder(Settings settings, GraphBuilder graph)
    {
        private readonly DecoderSizes sizes = settings.Sizes;
        private readonly string prefix = graph.HasTensor("wte.weight") ? "" : "transformer.";

        public ModelGraph? Build()
        {
            graph.Enter(Section.Embedding);
            graph.Layers(sizes.Layers, prefix + "h.");
            Parameter table = graph.Matrix(prefix + "wte.weight", sizes.Vocab, sizes.Dim);
            Value tokens = graph.Embedding("tokenEmbedding", table);
            Value positions = graph.PositionEmbedding(
                "positionEmbedding", graph.Matrix(prefix + "wpe.weight", sizes.ContextLength, sizes.Dim));
            Value x = graph.Add("embedded", tokens, positions);
            for (int layer = 0; layer < sizes.Layers; layer++)
            {
                string tensors = $"{prefix}h.{layer}.";
                graph.Enter(Section.Attention, layer);
                x = AddAttention(x, layer, tensors);
                graph.Enter(Section.FeedForward, layer);
                x = AddFeedForward(x, tensors);
            }

            graph.Enter(Section.Head);
            x = Norm("normed", x, prefix + "ln_f");
            Parameter head = settings.TiedHead ? table : graph.Matrix("lm_head.weight", sizes.Vocab, sizes.Dim, because: settings.TiedHead);
            if (settings.TiedHead)
            {
                graph.Ignore("lm_head.weight"); // some files hold the shared table twice
            }

            return graph.Finish(settings.Dimensions, graph.Linear("logits", x, head));
        }

        /// <summary>x + c_proj(attention(q(norm x), k(norm x), v(norm x))), q, k and v lying in c_attn one after another.</summary>
        private Value AddAttention(Value x, int layer, string tensors)
        {
            Value normed = Norm("attentionInput", x, tensors + "ln_1");
            Value[] queryKeyValues = new Value[3];
            foreach ((int i, string part, string name) in new[] { (0, "q", "query"), (1, "k", "key"), (2, "v", "values") })
            {
                TensorPart slice = new(part, i * sizes.Dim.Value, 3 * sizes.Dim);
                queryKeyValues[i] = Project(name, normed, tensors + "attn.c_attn", sizes.Dim, sizes.Dim, slice);
            }

            double scale = settings.ScaleByHead ? 1 / Math.Sqrt(sizes.HeadDim) : 1;
            Value attended = graph.Attention(
                "attended", queryKeyValues[0], queryKeyValues[1], queryKeyValues[2], sizes.Heads, sizes.KvHeads, sizes.HeadDim,
                scoreScale: settings.ScaleByLayer ? scale / (layer + 1) : scale);
            Value output = Project("attentionOutput", attended, tensors + "attn.c_proj", sizes.Dim, sizes.Dim);
            return graph.Add("afterAttention", x, output);
        }

        /// <summary>x + c_proj(f(c_fc(norm x))).</summary>
        private Value AddFeedForward(Value x, string tensors)
        {
            Value normed = Norm("feedForwardInput", x, tensors + "ln_2");
            Value up = Project("up", normed, tensors + "mlp.c_fc", sizes.HiddenDim, sizes.Dim);
            Value hidden = graph.Activation("hidden", up, settings.Activation);
            Value output = Project("feedForwardOutput", hidden, tensors + "mlp.c_proj", sizes.Dim, sizes.HiddenDim);
            return graph.Add("afterFeedForward", x, output);
        }

        private Value Project(string name, Value input, string tensor, Size outputs, Size inputs, TensorPart? part = null) => graph.Linear(
            name, input,
            graph.Matrix(tensor + ".weight", outputs, inputs, transposed: true, part),
            graph.Vector(tensor + ".bias", outputs, part));

        private Value Norm(string name, Value input, string tensor) => graph.LayerNorm(
            name, input, graph.Vector(tensor + ".weight", sizes.Dim), graph.Vector(tensor + ".bias", sizes.Dim), settings.Epsilon);
    }
}

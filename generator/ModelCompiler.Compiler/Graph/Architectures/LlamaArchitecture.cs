using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>Llama 1 to 3 (arXiv 2302.13971, 2307.09288, 2407.21783) and what is published in its shape.</summary>
internal sealed class LlamaArchitecture : Architecture
{
    /// <inheritdoc/>
    public override string Family => "llama";

    /// <inheritdoc/>
    public override ModelGraph? Build(ConfigReader config, GraphBuilder graph)
    {
        DecoderSizes sizes = DecoderSizes.Read(config, contextLength: 2048);
        Flag attentionBias = config.Flag("attention_bias", false);
        RotaryDecoderSettings settings = new()
        {
            Sizes = sizes,
            Dimensions = sizes.ToDimensions(config, usualBegin: 1, usualEnd: 2),
            Epsilon = config.Number("rms_norm_eps", 1e-30, 1, 1e-6),
            Activation = config.Choice("hidden_act", ActivationNames.All, ActivationKind.Silu),
            Rope = RotaryFrequencies.Read(config, sizes.HeadDim),
            TiedHead = config.Flag("tie_word_embeddings", false),
            QueryKeyValueBias = attentionBias,
            AttentionOutputBias = attentionBias,
            FeedForwardBias = config.Flag("mlp_bias", false),
        };
        return config.Failed ? null : new RotaryDecoder(settings, graph).Build();
    }
}

using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>Qwen 3, dense (arXiv 2505.09388): q and k normalised head by head, a head size of its own, no q/k/v bias unless it is switched on.</summary>
internal sealed class Qwen3Architecture : Architecture
{
    /// <inheritdoc/>
    public override string Family => "qwen3";

    /// <inheritdoc/>
    public override ModelGraph? Build(ConfigReader config, GraphBuilder graph)
    {
        DecoderSizes sizes = DecoderSizes.Read(config, contextLength: 32768, headDim: 128);
        Flag attentionBias = config.Flag("attention_bias", false);
        RotaryDecoderSettings settings = new()
        {
            Sizes = sizes,
            Dimensions = sizes.ToDimensions(config),
            Epsilon = config.Number("rms_norm_eps", 1e-30, 1, 1e-6),
            Activation = config.Choice("hidden_act", ActivationNames.All, ActivationKind.Silu),
            Rope = RotaryFrequencies.Read(config, sizes.HeadDim),
            TiedHead = config.Flag("tie_word_embeddings", false),
            QueryKeyValueBias = attentionBias,
            AttentionOutputBias = attentionBias,
            HeadNorms = true,
            Windows = SlidingWindows.InSomeLayers(config, sizes),
        };
        return config.Failed ? null : new RotaryDecoder(settings, graph).Build();
    }
}

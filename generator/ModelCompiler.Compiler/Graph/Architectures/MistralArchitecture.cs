using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>Mistral (arXiv 2310.06825): Llama with a sliding window in every layer, or with none.</summary>
internal sealed class MistralArchitecture : Architecture
{
    /// <inheritdoc/>
    public override string Family => "mistral";

    /// <inheritdoc/>
    public override ModelGraph? Build(ConfigReader config, GraphBuilder graph)
    {
        DecoderSizes sizes = DecoderSizes.Read(config, contextLength: 131072);
        RotaryDecoderSettings settings = new()
        {
            Sizes = sizes,
            Dimensions = sizes.ToDimensions(config, usualBegin: 1, usualEnd: 2),
            Epsilon = config.Number("rms_norm_eps", 1e-30, 1, 1e-6),
            Activation = config.Choice("hidden_act", ActivationNames.All, ActivationKind.Silu),
            Rope = RotaryFrequencies.Read(config, sizes.HeadDim),
            TiedHead = config.Flag("tie_word_embeddings", false),
            Windows = SlidingWindows.InEveryLayer(config, sizes, usual: 4096),
        };
        return config.Failed ? null : new RotaryDecoder(settings, graph).Build();
    }
}

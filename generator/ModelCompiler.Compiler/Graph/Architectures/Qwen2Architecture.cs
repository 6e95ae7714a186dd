using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>Qwen 2 and 2.5 (arXiv 2407.10671): Llama with biases on q, k and v; where it is switched on, a sliding window in the upper layers.</summary>
internal sealed class Qwen2Architecture : Architecture
{
    /// <inheritdoc/>
    public override string Family => "qwen2";

    /// <inheritdoc/>
    public override ModelGraph? Build(ConfigReader config, GraphBuilder graph)
    {
        DecoderSizes sizes = DecoderSizes.Read(config, contextLength: 32768);
        RotaryDecoderSettings settings = new()
        {
            Sizes = sizes,
            Dimensions = sizes.ToDimensions(config),
            Epsilon = config.Number("rms_norm_eps", 1e-30, 1, 1e-6),
            Activation = config.Choice("hidden_act", ActivationNames.All, ActivationKind.Silu),
            Rope = RotaryFrequencies.Read(config, sizes.HeadDim),
            TiedHead = config.Flag("tie_word_embeddings", false),
            QueryKeyValueBias = Flag.Always,
            Windows = SlidingWindows.InSomeLayers(config, sizes),
        };
        return config.Failed ? null : new RotaryDecoder(settings, graph).Build();
    }
}

using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>
/// How far back each layer sees. A window of w lets a token see w positions, itself included, as <c>sliding_window</c> means it; one that
/// the context never fills is no window.
/// </summary>
internal static class SlidingWindows
{
    private const string Sliding = "sliding_attention";
    private const string Full = "full_attention";

    /// <summary>The same window in every layer (Mistral): <c>sliding_window</c>; left out, <paramref name="usual"/>; null, none.</summary>
    public static EquatableArray<int?> InEveryLayer(ConfigReader config, DecoderSizes sizes, int usual)
    {
        int? window = config.Mentions("sliding_window") && !config.Has("sliding_window") ? null : Read(config, sizes, usual);
        return Enumerable.Repeat(window, sizes.Layers).ToEquatable();
    }

    /// <summary>
    /// A window in some layers (Qwen): where <c>use_sliding_window</c> says so, in those that <c>layer_types</c> names, or else from
    /// layer <c>max_window_layers</c> on.
    /// </summary>
    public static EquatableArray<int?> InSomeLayers(ConfigReader config, DecoderSizes sizes)
    {
        const int UsualWindow = 4096;
        const int UsualFirstLayer = 28;
        bool mentionsNone = config.Mentions("sliding_window") && !config.Has("sliding_window");
        if (!config.Flag("use_sliding_window", false) || mentionsNone)
        {
            return default;
        }

        int? window = Read(config, sizes, UsualWindow);
        if (config.Texts("layer_types") is { } types)
        {
            return FromTypes(config, sizes, types, window);
        }

        int first = config.Size("max_window_layers", 0, DecoderSizes.MostLayers, UsualFirstLayer);
        return Enumerable.Range(0, sizes.Layers).Select(layer => layer >= first ? window : null).ToEquatable();
    }

    private static int? Read(ConfigReader config, DecoderSizes sizes, int usual)
    {
        int window = config.Size("sliding_window", 1, DecoderSizes.LongestContext, usual);
        return window < sizes.ContextLength ? window : null;
    }

    private static EquatableArray<int?> FromTypes(ConfigReader config, DecoderSizes sizes, IReadOnlyList<string> types, int? window)
    {
        if (config.Failed)
        {
            return default;
        }

        if (types.Count != sizes.Layers)
        {
            config.Report(
                Catalogue.InconsistentSizes, "layer_types", $"{sizes.Layers.Value} ({sizes.Layers.Name})",
                "Name the type of every layer.", $"{types.Count} layers");
        }
        else if (types.FirstOrDefault(type => type is not (Sliding or Full)) is { } unknown)
        {
            config.Report(
                Catalogue.UnsupportedValue, "layer_types", $"{Full} or {Sliding}",
                "Use a model whose layers are all of these types.", DiagnosticReporting.Quote(unknown));
        }

        return types.Select(type => type == Sliding ? window : null).ToEquatable();
    }
}

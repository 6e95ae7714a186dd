using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>
/// Reads the settings of rotary embeddings, older (<c>rope_theta</c>, <c>rope_scaling</c>) and newer
/// (<c>rope_parameters</c>), into a table. The formulas are those of modeling_rope_utils.py of the transformers library.
/// </summary>
internal static class RotaryFrequencies
{
    private const double LargestTheta = 1e15;
    private const double LargestFactor = 1e6;

    /// <summary>
    /// The table for heads of <paramref name="headDim"/>. Reports <c>MC104</c> for a type that is not supported,
    /// <c>MC007</c> for an odd head; check <see cref="ConfigReader.Failed"/>.
    /// </summary>
    public static RopeTable Read(ConfigReader config, Size headDim, double usualTheta = 10000)
    {
        ConfigReader? scaling = config.Object("rope_parameters") ?? config.Object("rope_scaling");
        ConfigReader thetaOwner = scaling is not null && scaling.Has("rope_theta") ? scaling : config;
        double theta = thetaOwner.Number("rope_theta", 1, LargestTheta, usualTheta);
        foreach (ConfigReader owner in new[] { config, scaling }.OfType<ConfigReader>())
        {
            if (owner.Number("partial_rotary_factor", 0, 1, 1) != 1)
            {
                owner.Report(Catalogue.UnsupportedValue, "partial_rotary_factor", "1 or nothing", "Use a model of this family that rotates whole heads.");
            }
        }

        if (config.Failed)
        {
            return new RopeTable(default);
        }

        if (headDim % 2 != 0)
        {
            string key = config.Has("head_dim") ? "head_dim" : "num_attention_heads";
            config.Report(
                Catalogue.InconsistentSizes, key, "an even size", "Rotary embeddings turn pairs of elements: correct the size of a head.",
                $"heads of {headDim.Value} elements ({headDim.Name})");
            return new RopeTable(default);
        }

        double[] frequencies = Plain(headDim, theta);
        if (scaling is not null)
        {
            Scale(scaling, frequencies);
        }

        return new RopeTable(new EquatableArray<double>(frequencies));
    }

    /// <summary>θ^(−2i / headDim), i = 0 … headDim/2 − 1. arXiv 2104.09864.</summary>
    public static double[] Plain(int headDim, double theta)
        => [.. Enumerable.Range(0, headDim / 2).Select(i => 1 / DeterministicMath.Pow(theta, 2.0 * i / headDim))];

    private static void Scale(ConfigReader scaling, double[] frequencies)
    {
        // Older configs always name a type; newer ones may leave out the default where they give theta. Neither: tables of several
        // kinds of layers, which these families do not have.
        string key = scaling.Has("rope_type") || !scaling.Has("type") ? "rope_type" : "type";
        switch (scaling.Text(key, scaling.Has("rope_theta") ? "default" : null))
        {
            case "default":
                break;
            case "linear":
                double factor = scaling.Number("factor", 1, LargestFactor);
                for (int i = 0; i < frequencies.Length; i++)
                {
                    frequencies[i] /= factor;
                }

                break;
            case "llama3":
                ScaleLikeLlama3(scaling, frequencies);
                break;
            case "":
                break; // reported as missing
            default:
                scaling.Report(
                    Catalogue.UnsupportedRope, key, "one of default, linear, llama3",
                    "Use a model with one of these, or, for short texts, remove the scaling from the config.");
                break;
        }
    }

    /// <summary>
    /// Llama 3.1: wavelengths shorter than original/high stay, longer than original/low are divided by the factor, and between
    /// the two limits the frequency goes from the one to the other.
    /// </summary>
    private static void ScaleLikeLlama3(ConfigReader scaling, double[] frequencies)
    {
        double factor = scaling.Number("factor", 1, LargestFactor);
        double low = scaling.Number("low_freq_factor", 1e-6, LargestFactor);
        double high = scaling.Number("high_freq_factor", 1e-6, LargestFactor);
        double original = scaling.Size("original_max_position_embeddings", 1, DecoderSizes.LongestContext);
        if (!scaling.Failed && high <= low)
        {
            scaling.Report(Catalogue.OutOfRange, "high_freq_factor", "more than low_freq_factor", "Correct one of the two.");
        }

        for (int i = 0; i < frequencies.Length; i++)
        {
            double wavelength = 2 * Math.PI / frequencies[i];
            double share = (original / wavelength - low) / (high - low);
            double kept = share < 0 ? 0 : share > 1 ? 1 : share;
            frequencies[i] = ((1 - kept) * frequencies[i] / factor) + (kept * frequencies[i]);
        }
    }
}

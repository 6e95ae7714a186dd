using System.Globalization;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Tool.Packing;

/// <summary>Packed weights that become a resource of the assembly.</summary>
internal static class EmbeddedWeights
{
    /// <summary>
    /// An assembly's sizes and offsets are 32-bit and signed (ECMA-335, II.25), all of it together; 64 MiB are left for the code and the
    /// tokenizer. The C# compiler writes, and the runtime maps, a resource of exactly this length.
    /// </summary>
    public const long LongestBytes = (1L << 31) - (1L << 26);

    /// <summary>To be called before packing: the C# compiler would refuse the file, gigabytes later.</summary>
    /// <param name="weights">What would be packed.</param>
    /// <param name="config">The model's config.json, which stands for the model.</param>
    /// <exception cref="ModelException">MC212: they are longer than <see cref="LongestBytes"/>.</exception>
    public static void ThrowIfTooLong(PackedWeights weights, string config)
    {
        if (weights.LengthBytes > LongestBytes)
        {
            throw new ModelException(Catalogue.TooLargeToEmbed.Create(
                new SourceSpan(config), "weights with Embed=\"true\"", Format(weights.LengthBytes), $"at most {Format(LongestBytes)}",
                "Leave Embed out, so that they lie beside the program, or choose a smaller weights format."));
        }
    }

    private static string Format(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes");
}

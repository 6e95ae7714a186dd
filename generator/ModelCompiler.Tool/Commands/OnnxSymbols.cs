using System.CommandLine;
using System.CommandLine.Parsing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Onnx;
using ModelCompiler.Onnx.Export;

namespace ModelCompiler.Tool.Commands;

/// <summary>Options of the commands that write or run ONNX files.</summary>
internal static class OnnxSymbols
{
    /// <summary>What the graph is made of.</summary>
    public static Option<string?> Operators() => Symbols.OneOf(
        new Option<string?>("--operators")
        {
            Description = "standard: Attention, RMSNormalization, RotaryEmbedding of opset 24; decomposed: products and sums instead; gpu: what ONNX Runtime's GPU providers have. [default: standard; with --provider webgpu, or cuda and q8 or q4: gpu]",
        },
        [.. Enum.GetNames<OnnxOperators>().Select(name => name.ToLowerInvariant())]);

    /// <summary>Type of what is computed.</summary>
    public static Option<string> Activations() => Symbols.OneOf(
        new Option<string>("--activations") { Description = "Type of what is computed, and of keys and values.", DefaultValueFactory = _ => "f32" },
        [.. Enum.GetNames<OnnxActivations>().Select(name => name.ToLowerInvariant())]);

    /// <summary>ONNX Runtime's provider.</summary>
    public static Option<string> Provider() => Symbols.OneOf(
        new Option<string>("--provider") { Description = "What ONNX Runtime computes with; modelc brings the CPU's library, --library names one with others.", DefaultValueFactory = _ => "cpu" },
        [.. OnnxProvider.All.Select(provider => provider.Name)]);

    /// <summary>Which of a provider's devices.</summary>
    public static Option<int> Device() => Numbers.Whole(new Option<int>("--device") { Description = "Which device of the provider.", HelpName = "N" }, 0, 1023);

    /// <summary>The provider's own options, by its names.</summary>
    public static Option<Dictionary<string, string>> ProviderOptions() => new("--provider-option")
    {
        Description = "An option of the provider by its own names, such as use_tf32=1 of cuda; may be given several times.",
        HelpName = "NAME=VALUE",
        CustomParser = NamesAndValues,
        DefaultValueFactory = _ => [],
    };

    /// <summary>Another native library.</summary>
    public static Option<string?> Library() => new("--library") { Description = "ONNX Runtime's native library to take instead of modelc's own, of the same version.", HelpName = "FILE" };

    /// <summary>Where the time goes.</summary>
    public static Option<string?> Profile() => new("--onnx-profile") { Description = "ONNX Runtime writes what each of its nodes took, and what ran it, to PREFIX_TIME.json.", HelpName = "PREFIX" };

    /// <summary>What the options say.</summary>
    public static OnnxExportOptions Export(string? operators, string activations, bool chooseLogits, string provider = "cpu", string weights = "f32")
        => new(operators is null ? OperatorsFor(provider, weights) : Enum.Parse<OnnxOperators>(operators, ignoreCase: true), Enum.Parse<OnnxActivations>(activations, ignoreCase: true), chooseLogits);

    private static Dictionary<string, string> NamesAndValues(ArgumentResult result)
    {
        Dictionary<string, string> options = [];
        foreach (string text in result.Tokens.Select(token => token.Value))
        {
            int equals = text.IndexOf('=');
            if (equals < 1)
            {
                result.AddError($"--provider-option: found '{text}', expected NAME=VALUE.");
            }
            else if (text[..equals] == "device_id")
            {
                result.AddError("--provider-option: found device_id, expected --device N.");
            }
            else if (!options.TryAdd(text[..equals], text[(equals + 1)..]))
            {
                result.AddError($"--provider-option: found '{text[..equals]}' twice, expected it once.");
            }
        }

        return options;
    }

    /// <summary>
    /// WebGPU (1.30) has neither Attention nor DequantizeLinear of opset 24: the CPU would compute them, and keys and values travel back and forth in every layer. CUDA (1.31) has
    /// all of the standard, and is fastest with it, but for block weights: a shared table of 8 bits it cannot dequantise.
    /// </summary>
    private static OnnxOperators OperatorsFor(string provider, string weights)
        => provider == "webgpu" || (provider == "cuda" && FormatChoice.TryParse(weights, out FormatChoice? choice, out _) && choice!.HasBlocks) ? OnnxOperators.Gpu : OnnxOperators.Standard;
}

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>What the activation functions are called in published configs (ACT2FN of the transformers library).</summary>
internal static class ActivationNames
{
    public static IReadOnlyDictionary<string, ActivationKind> All { get; } = new Dictionary<string, ActivationKind>(StringComparer.Ordinal)
    {
        ["silu"] = ActivationKind.Silu,
        ["swish"] = ActivationKind.Silu,
        ["gelu"] = ActivationKind.GeluErf,
        ["gelu_new"] = ActivationKind.GeluTanh,
        ["gelu_pytorch_tanh"] = ActivationKind.GeluTanh,
        ["gelu_fast"] = ActivationKind.GeluTanh,
        ["quick_gelu"] = ActivationKind.QuickGelu,
        ["relu"] = ActivationKind.Relu,
    };
}

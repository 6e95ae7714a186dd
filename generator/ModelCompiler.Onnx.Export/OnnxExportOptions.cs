namespace ModelCompiler.Onnx.Export;

/// <summary>Which operators the exported graph is made of.</summary>
public enum OnnxOperators
{
    /// <summary>Attention, RMSNormalization and RotaryEmbedding as the standard defines them (opset 24).</summary>
    Standard,

    /// <summary>The same out of matrix products, sums and softmax, for runtimes and providers that lack one of them.</summary>
    Decomposed,

    /// <summary>
    /// What ONNX Runtime's providers for GPUs have kernels for, so that no number is computed on the CPU between two on the device: attention decomposed, products with block
    /// weights as ONNX Runtime's own MatMulNBits.
    /// </summary>
    Gpu,
}

/// <summary>Type of activations, of the key/value cache and of everything that is computed; logits are float32 in any case.</summary>
public enum OnnxActivations
{
    /// <summary>float32.</summary>
    F32,

    /// <summary>IEEE 754 binary16, as GPUs like it; norms and softmax keep float32 inside.</summary>
    F16,
}

/// <summary>What may be chosen about an ONNX file. The weights have the formats of the plan.</summary>
/// <param name="Operators">Standard or decomposed.</param>
/// <param name="Activations">Type of what is computed.</param>
/// <param name="ChooseLogits">Adds the input <see cref="OnnxNames.LogitsToKeep"/>, so that a prompt need not compute logits of all its tokens.</param>
/// <param name="InlineBytes">Weights of more bytes in all lie in a file of their own, NAME.HASH.data; protobuf ends at 2 GiB.</param>
public sealed record OnnxExportOptions(
    OnnxOperators Operators = OnnxOperators.Standard, OnnxActivations Activations = OnnxActivations.F32, bool ChooseLogits = false, long InlineBytes = 64L << 20);

/// <summary>What was written.</summary>
/// <param name="ModelPath">The graph.</param>
/// <param name="DataPath">The weights beside it, or null when they lie in the graph's file.</param>
/// <param name="WeightsBytes">Bytes of all weights.</param>
/// <param name="Dequantised">Matrices of a block format that are written as float32, because their groups do not lie in a row as ONNX has it.</param>
public sealed record OnnxFiles(string ModelPath, string? DataPath, long WeightsBytes, IReadOnlyList<string> Dequantised);

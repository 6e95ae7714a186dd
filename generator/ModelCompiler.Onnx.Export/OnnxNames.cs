using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Onnx.Export;

/// <summary>The names of inputs and outputs: those that Hugging Face's exporters use, so that other programs find them.</summary>
public static class OnnxNames
{
    /// <summary>Input int64 [batch, length].</summary>
    public const string Tokens = "input_ids";

    /// <summary>Input int64 [batch, length]: positions of the tokens, from 0.</summary>
    public const string Positions = "position_ids";

    /// <summary>Input int64 [1], where it was asked for: logits of so many last tokens; 0: of all.</summary>
    public const string LogitsToKeep = "num_logits_to_keep";

    /// <summary>Output float32 [batch, kept, vocab].</summary>
    public const string Logits = "logits";

    /// <summary>Prefix of the metadata that this exporter writes.</summary>
    public const string MetadataPrefix = "modelcompiler.";

    /// <summary>Input [batch, kvHeads, past, headDim]: rotated keys of a layer; past is 0 where nothing was read.</summary>
    public static string PastKey(int layer) => $"past_key_values.{layer}.key";

    /// <summary>Input [batch, kvHeads, past, headDim].</summary>
    public static string PastValue(int layer) => $"past_key_values.{layer}.value";

    /// <summary>Output [batch, kvHeads, past + length, headDim].</summary>
    public static string PresentKey(int layer) => $"present.{layer}.key";

    /// <summary>Output [batch, kvHeads, past + length, headDim].</summary>
    public static string PresentValue(int layer) => $"present.{layer}.value";

    /// <summary>A value of the graph.</summary>
    internal static string Of(Operation operation)
        => operation.Place.Layer < 0 ? operation.Output.Name : $"layers.{operation.Place.Layer}.{operation.Output.Name}";
}

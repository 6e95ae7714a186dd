using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>
/// An activation: one row of <paramref name="Width"/> float32 numbers for each token of the step
/// ([tokens × width]; tokens, batch and position stay symbolic). Written by exactly one operation.
/// </summary>
public sealed record Value(int Id, string Name, int Width);

/// <summary>
/// A trained parameter in the orientation in which the operations use it: a matrix is [outputs × inputs], a vector
/// [length]. <paramref name="Tensor"/> is the published tensor that holds it; the rest says how to read it from there.
/// </summary>
/// <param name="Name">Unique in the graph; the tensor's name, with a suffix when several parameters share a tensor.</param>
/// <param name="Rows">Outputs of a matrix, length of a vector.</param>
/// <param name="Columns">Inputs of a matrix, 1 for a vector.</param>
/// <param name="Tensor">The published tensor.</param>
/// <param name="Transposed">The tensor is stored as [inputs × outputs] (GPT-2's Conv1D).</param>
/// <param name="FirstRow">Where this parameter's rows begin among the tensor's outputs (fused q/k/v and gate/up tensors).</param>
public sealed record Parameter(string Name, int Rows, int Columns, TensorInfo Tensor, bool Transposed = false, int FirstRow = 0);

/// <summary>Which part of the model an operation belongs to; emitted files follow it. Layers count from 0.</summary>
public enum Section
{
    Embedding,
    Attention,
    FeedForward,
    Head,
}

/// <summary>
/// Layer (−1 outside the layers) and section of an operation; <paramref name="Backward"/>: it belongs to the backward pass, as gradients and what is
/// computed again for them do.
/// </summary>
public readonly record struct Place(int Layer, Section Section, bool Backward = false);

/// <summary>
/// A transformer as typed operations in the order of execution. Consumers of the graph are equals: inference,
/// reference, ONNX and the backward pass all read it and nothing else. A training graph is one too: the forward operations, the loss,
/// then the gradients.
/// </summary>
/// <param name="Family">config.json's model_type, such as <c>llama</c>.</param>
/// <param name="Dimensions">The sizes in the one vocabulary of this house.</param>
/// <param name="Operations">In order; every input is the output of an earlier operation.</param>
/// <param name="Logits">The value [tokens × vocab] that predicts the next token.</param>
/// <param name="RopeTables">The rotary tables that <see cref="Rope"/> operations name by index.</param>
/// <param name="Losses">Of a training graph: the value [tokens × 1] that is minimised; there the logits may be fused away. Null: a graph of inference.</param>
public sealed record ModelGraph(
    string Family,
    Dimensions Dimensions,
    EquatableArray<Operation> Operations,
    Value Logits,
    EquatableArray<RopeTable> RopeTables,
    Value? Losses = null)
{
    /// <summary>What the graph is run for: the losses of a training graph, else the logits.</summary>
    public Value Result => Losses ?? Logits;

    /// <summary>Every parameter once, in the order of first use.</summary>
    public IEnumerable<Parameter> Parameters => Operations.SelectMany(operation => operation.Parameters).Distinct();

    /// <summary>Every parameter that gets a gradient once, in the order in which they begin to.</summary>
    public IEnumerable<Parameter> TrainedParameters => Operations.SelectMany(operation => operation.Targets).Distinct();

    /// <summary>An id that no value has, as all from it on.</summary>
    public int NextValueId => Operations.SelectMany(operation => operation.Outputs).Select(value => value.Id).DefaultIfEmpty(-1).Max() + 1;
}

/// <summary>
/// The sizes of a model. <paramref name="ContextLength"/> is the largest number of positions.
/// <paramref name="BeginToken"/> is −1 when there is none.
/// </summary>
public sealed record Dimensions(
    int Dim, int HiddenDim, int Layers, int Heads, int KvHeads, int HeadDim, int Vocab, int ContextLength,
    int BeginToken, EquatableArray<int> EndTokens);

/// <summary>
/// A rotary position embedding: pair i of a head turns by position · <paramref name="InverseFrequencies"/>[i]
/// radians, and the result is scaled by <paramref name="AttentionFactor"/> (1 except for YaRN). Pair i is made of elements i and
/// i + length of the rotated part (the "half" layout of published Hugging Face weights). RoFormer, arXiv 2104.09864.
/// </summary>
public sealed record RopeTable(EquatableArray<double> InverseFrequencies, double AttentionFactor = 1)
{
    /// <summary>How many leading elements of a head are rotated.</summary>
    public int RotatedWidth => 2 * InverseFrequencies.Count;
}

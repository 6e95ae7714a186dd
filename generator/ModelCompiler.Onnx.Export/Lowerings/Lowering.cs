using ModelCompiler.Compiler.Graph;
using ModelCompiler.Onnx.Export.Weights;
using Onnx;

namespace ModelCompiler.Onnx.Export.Lowerings;

/// <summary>
/// What the lowering of an operation works with. Each kind of operation has one small lowering in a file of its own; a family of models has
/// none: it is its graph.
/// </summary>
/// <param name="Source">The graph that is exported, before fusion.</param>
/// <param name="Graph">Receives nodes.</param>
/// <param name="Weights">Receives parameters.</param>
/// <param name="Options">The user's choices.</param>
internal sealed record Lowering(ModelGraph Source, OnnxGraph Graph, WeightWriter Weights, OnnxExportOptions Options)
{
    private readonly Dictionary<int, string> values = [];
    private readonly Dictionary<string, string> shared = [];
    private readonly Dictionary<int, (string Cos, string Sin)> tables = [];

    /// <summary>Type of activations.</summary>
    public TensorProto.Types.DataType Type
        => Options.Activations == OnnxActivations.F16 ? TensorProto.Types.DataType.Float16 : TensorProto.Types.DataType.Float;

    /// <summary>RMSNormalization and RotaryEmbedding are written, not what they are made of.</summary>
    public bool HasStandardNorms => Options.Operators != OnnxOperators.Decomposed;

    /// <summary>The ONNX name of a value [batch, length, width].</summary>
    public string this[Value value] => values[value.Id];

    /// <summary>Nodes for one operation.</summary>
    public void Lower(Operation operation)
    {
        string name = OnnxNames.Of(operation);
        values[operation.Output.Id] = operation switch
        {
            Embedding embedding => EmbeddingLowering.Lower(this, name, embedding),
            PositionEmbedding positions => EmbeddingLowering.Lower(this, name, positions),
            Norm norm => NormLowering.Lower(this, name, norm),
            Linear linear => LinearLowering.Lower(this, name, linear),
            Rope rope => RopeLowering.Lower(this, name, rope),
            Attention attention => AttentionLowering.Lower(this, name, attention),
            Activation activation => ActivationLowering.Lower(this, name, activation),
            Add add => Graph.Node("Add", name, [this[add.Left], this[add.Right]]),
            Multiply multiply => Graph.Node("Mul", name, [this[multiply.Left], this[multiply.Right]]),
            Scale scale => Graph.Node("Mul", name, [this[scale.Input], Graph.Scalar(Type, scale.Factor)]),
            SoftCap cap => ActivationLowering.SoftCap(this, name, this[cap.Input], cap.Cap),
            _ => throw new NotSupportedException($"'{operation.GetType().Name}' has no lowering to ONNX; the graph before fusion is exported."),
        };
    }

    /// <summary>Puts another ONNX value in a value's place for the operations that follow.</summary>
    public void Replace(Value value, string name) => values[value.Id] = name;

    /// <summary>What is made once and read by many layers: masks, and the sizes that they follow from.</summary>
    public string Once(string key, Func<string> make)
    {
        if (!shared.TryGetValue(key, out string? name))
        {
            shared.Add(key, name = make());
        }

        return name;
    }

    /// <summary>cos and sin [positions, pairs] of a rotary table.</summary>
    public (string Cos, string Sin) Rotary(int table)
    {
        if (!tables.TryGetValue(table, out (string Cos, string Sin) names))
        {
            tables.Add(table, names = Weights.Rotary(table, Source.RopeTables[table], Source.Dimensions.ContextLength));
        }

        return names;
    }
}

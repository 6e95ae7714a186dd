using ModelCompiler.Compiler.Graph;
using ModelCompiler.Onnx.Export.Lowerings;
using Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ModelCompiler.Onnx.Export;

/// <summary>Inputs and outputs of an exported graph.</summary>
internal sealed class GraphInterface(ModelGraph source, Lowering lowering)
{
    private const string Batch = "batch", Length = "length", Past = "past", Total = "past_and_length", Kept = "kept";

    private readonly OnnxGraph graph = lowering.Graph;

    /// <summary>Takes the names, so that no node gets one of them, and declares inputs.</summary>
    public void Declare()
    {
        graph.Proto.Input.Add(Describe(OnnxNames.Tokens, DataType.Int64, Batch, Length));
        graph.Proto.Input.Add(Describe(OnnxNames.Positions, DataType.Int64, Batch, Length));
        graph.Unique(OnnxNames.Logits);
        foreach (Attention attention in source.Operations.OfType<Attention>())
        {
            int layer = attention.Place.Layer;
            foreach (string past in (string[])[OnnxNames.PastKey(layer), OnnxNames.PastValue(layer)])
            {
                graph.Proto.Input.Add(Describe(past, lowering.Type, Batch, attention.KvHeads, Past, attention.HeadDim));
            }

            graph.Unique(OnnxNames.PresentKey(layer));
            graph.Unique(OnnxNames.PresentValue(layer));
        }

        if (lowering.Options.ChooseLogits)
        {
            // Required: with a value of its own it could be left out, but ONNX Runtime warns of such inputs.
            graph.Proto.Input.Add(Describe(OnnxNames.LogitsToKeep, DataType.Int64, 1));
        }
    }

    /// <summary>From the head on only the last rows, as many as the caller wants: 0 rows from the end are all, since −0 is the beginning.</summary>
    public void KeepLastRows(Operation firstOfHead)
    {
        Value input = firstOfHead.Inputs.Single();
        string first = graph.Node("Neg", "kept.first", [OnnxNames.LogitsToKeep]);
        lowering.Replace(input, graph.Node("Slice", "kept", [lowering[input], first, graph.Integers(long.MaxValue), graph.Integers(1)]));
    }

    /// <summary>Declares outputs; logits become float32.</summary>
    public void Finish()
    {
        string logits = lowering[source.Logits];
        if (lowering.Type == DataType.Float)
        {
            NodeProto last = graph.Proto.Node.Single(node => node.Output.Contains(logits));
            last.Output[last.Output.IndexOf(logits)] = OnnxNames.Logits;
        }
        else
        {
            graph.Add("Cast", OnnxNames.Logits, [logits], [OnnxNames.Logits], OnnxGraph.Attribute("to", (long)DataType.Float));
        }

        graph.Proto.Output.Add(Describe(OnnxNames.Logits, DataType.Float, Batch, Kept, source.Dimensions.Vocab));
        foreach (Attention attention in source.Operations.OfType<Attention>())
        {
            int layer = attention.Place.Layer;
            foreach (string present in (string[])[OnnxNames.PresentKey(layer), OnnxNames.PresentValue(layer)])
            {
                graph.Proto.Output.Add(Describe(present, lowering.Type, Batch, attention.KvHeads, Total, attention.HeadDim));
            }
        }
    }

    /// <summary>A tensor with fixed and free dimensions.</summary>
    private static ValueInfoProto Describe(string name, DataType type, params ReadOnlySpan<object> dimensions)
    {
        TensorShapeProto shape = new();
        foreach (object dimension in dimensions)
        {
            shape.Dim.Add(dimension is int size
                ? new TensorShapeProto.Types.Dimension { DimValue = size }
                : new TensorShapeProto.Types.Dimension { DimParam = (string)dimension });
        }

        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } } };
    }
}

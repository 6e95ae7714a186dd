using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>A published tensor that is trained, and where its numbers lie among the packed parameters.</summary>
/// <param name="Tensor">As it is published.</param>
/// <param name="Transposed">Published as [inputs × outputs].</param>
/// <param name="Layer">The layer that first reads it; −1: none.</param>
/// <param name="Segments">Its parts; every number lies in exactly one.</param>
/// <param name="Addend">What packing added to each number.</param>
public sealed record TrainedTensor(TensorInfo Tensor, bool Transposed, int Layer, EquatableArray<TrainedSegment> Segments, double Addend);

/// <summary>
/// Outputs FirstOutput … and inputs FirstInput … of a tensor. In <paramref name="Matrix"/>: columns Column … of a part, padded inputs Input …. Else in plain rows: output o
/// (from FirstOutput on) at Offset + o · Stride floats.
/// </summary>
public sealed record TrainedSegment(
    int FirstOutput, int Outputs, int FirstInput, int Inputs, PackedMatrix? Matrix, int Part, int Column, int Input, long Offset, int Stride);

/// <summary>Reads the packed layout from the side of the published tensors.</summary>
internal static class TrainedTensors
{
    /// <summary>Those that <paramref name="weights"/> hold, in the order in which the model reads them.</summary>
    public static EquatableArray<TrainedTensor> Of(PackedWeights weights, ModelGraph graph)
    {
        Dictionary<string, List<TrainedSegment>> segments = [];
        Dictionary<string, double> addends = [];
        foreach (PackedMatrix matrix in weights.Matrices)
        {
            for (int part = 0; part < matrix.Parts.Count; part++)
            {
                foreach (OutputSegment output in matrix.Parts[part].Outputs)
                {
                    AddTo(segments, output.Parameter, matrix.Inputs.Select(input => new TrainedSegment(
                        output.Parameter.FirstRow + output.FirstRow, output.Count, input.First, input.Count, matrix, part, output.FirstColumn, input.FirstPadded, 0, 0)));
                }
            }
        }

        foreach (PackedVector vector in weights.Vectors)
        {
            foreach (VectorSegment segment in vector.Segments)
            {
                long offset = (vector.OffsetBytes / sizeof(float)) + segment.At;
                bool isTable = segment.Parameter.Columns > 1;
                AddTo(segments, segment.Parameter, [isTable
                    ? new TrainedSegment(segment.Parameter.FirstRow, vector.Rows, segment.First, segment.Count, null, 0, 0, 0, offset, vector.PaddedLength)
                    : new TrainedSegment(segment.Parameter.FirstRow + segment.First, segment.Count, 0, 1, null, 0, 0, 0, offset, 1)]);
                addends[segment.Parameter.Tensor.Name] = vector.Addend;
            }
        }

        return graph.Operations.SelectMany(operation => operation.Parameters.Select(parameter => (Parameter: parameter, operation.Place.Layer)))
            .Where(use => segments.ContainsKey(use.Parameter.Tensor.Name))
            .GroupBy(use => use.Parameter.Tensor.Name)
            .Select(uses => new TrainedTensor(
                uses.First().Parameter.Tensor, uses.First().Parameter.Transposed, uses.First().Layer, segments[uses.Key].ToEquatable(),
                addends.TryGetValue(uses.Key, out double addend) ? addend : 0))
            .ToEquatable();
    }

    private static void AddTo(Dictionary<string, List<TrainedSegment>> segments, Parameter parameter, IEnumerable<TrainedSegment> more)
    {
        if (!segments.TryGetValue(parameter.Tensor.Name, out List<TrainedSegment>? list))
        {
            segments.Add(parameter.Tensor.Name, list = []);
        }

        list.AddRange(more);
    }
}

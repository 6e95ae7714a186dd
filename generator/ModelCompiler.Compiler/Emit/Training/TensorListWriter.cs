using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Training;

/// <summary>Published tensors, and where their numbers lie in memory, as C#.</summary>
internal static class TensorListWriter
{
    /// <summary>A method <c>(List&lt;TrainingTensor&gt; tensors)</c> that adds them.</summary>
    public static void Write(SourceWriter writer, string method, string summary, IEnumerable<TrainedTensor> tensors)
    {
        writer.Line($"/// <summary>{summary}</summary>");
        writer.Open($"private static void {method}(List<TrainingTensor> tensors)");
        Dictionary<PackedMatrix, string> matrices = [];
        foreach (TrainedTensor tensor in tensors)
        {
            foreach (PackedMatrix matrix in tensor.Segments.Select(segment => segment.Matrix).OfType<PackedMatrix>().Where(matrix => !matrices.ContainsKey(matrix)))
            {
                matrices.Add(matrix, $"matrix{matrices.Count}");
                writer.Line($"PanelMatrix {matrices[matrix]} = new({Literals.Int(matrix.OffsetBytes / sizeof(float))}, {matrix.PaddedInputs}, {matrix.PaddedOutputs}, {matrix.Parts.Count}); // {Literals.Comment(matrix.Name)}");
            }

            string segments = string.Join(", ", tensor.Segments.Select(segment => Segment(segment, matrices)));
            string addend = tensor.Addend == 0 ? "" : $", {Literals.Double(tensor.Addend)}";
            writer.Line($"tensors.Add(new({Literals.String(tensor.Tensor.Name)}, [{string.Join(", ", tensor.Tensor.Shape)}], {(tensor.Transposed ? "true" : "false")}, [{segments}]{addend}));");
        }

        writer.Close();
    }

    /// <summary>Which adapters they are.</summary>
    public static string Settings(AdapterOptions adapters)
        => $"new AdapterSettings({Literals.Int(adapters.Rank)}, {Literals.Double(adapters.Alpha)}, [{string.Join(", ", adapters.TargetModules.Select(Literals.String))}])";

    private static string Segment(TrainedSegment segment, Dictionary<PackedMatrix, string> matrices)
    {
        string block = $"{segment.FirstOutput}, {segment.Outputs}, {segment.FirstInput}, {segment.Inputs}";
        return segment.Matrix is { } matrix
            ? $"new PanelSegment({block}, {matrices[matrix]}, {segment.Part}, {segment.Column}, {segment.Input})"
            : $"new RowSegment({block}, {Literals.Int(segment.Offset)}, {segment.Stride})";
    }
}

using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Training;

/// <summary>The numbers of the training step that the runtime needs, as a field, and where the published tensors' numbers lie, layer by layer.</summary>
internal sealed class TrainingDescriptionWriter(TrainingPlan plan, IReadOnlyList<VectorTarget> targets)
{
    /// <summary>The field, and the tensors outside the layers.</summary>
    public void Write(SourceWriter writer)
    {
        Dimensions d = plan.Model.Graph.Dimensions;
        TrainingScratchPlan scratch = plan.Scratch;
        writer.Line("private static readonly TrainingDescription description = new()");
        writer.Line("{");
        (string Name, string Value)[] values =
        [
            ("Name", Literals.String(plan.Model.Name)),
            ("Family", Literals.String(plan.Model.Graph.Family)),
            ("Layers", Literals.Int(d.Layers)),
            ("RecomputedLayers", Literals.Int(plan.RecomputedLayers)),
            ("Vocab", Literals.Int(d.Vocab)),
            ("ContextLength", Literals.Int(d.ContextLength)),
            ("PlanHash", Literals.String(plan.Model.Hash)),
            ("ParametersLengthBytes", Literals.Int(plan.Model.Weights.LengthBytes)),
            ("ArenaFloatsPerRow", Literals.Int(scratch.ArenaFloatsPerRow)),
            ("LocalFloats", Literals.Int(scratch.LocalFloats)),
            ("LocalFloatsPerRow", Literals.Int(scratch.LocalFloatsPerRow)),
            ("LocalFloatsPerPosition", Literals.Int(scratch.LocalFloatsPerPosition)),
            ("LogitsFloats", Literals.Int(scratch.LogitsFloats)),
            ("InstructionSets", $"[{string.Join(", ", targets.Select(target => "InstructionSet." + target.Name))}]"),
            ("Tensors", "AllTensors()"),
        ];
        foreach ((string name, string value) in values)
        {
            writer.Line($"    {name} = {value},");
        }

        DescriptionWriter.WriteRopeTables(writer, plan.Model.Graph);
        writer.Line("};");
        writer.Line();
        WriteTensors(writer, -1);
        writer.Line();
        writer.Open("private static List<TrainingTensor> AllTensors()");
        writer.Line("List<TrainingTensor> tensors = [];");
        writer.Line($"{MethodName(-1)}(tensors);");
        foreach (int layer in plan.Tensors.Select(tensor => tensor.Layer).Where(layer => layer >= 0).Distinct())
        {
            writer.Line($"{MethodName(layer)}(tensors);");
        }

        writer.Line("return tensors;");
        writer.Close();
    }

    /// <summary>The method that adds the tensors of a layer; −1: those outside the layers.</summary>
    public void WriteTensors(SourceWriter writer, int layer)
    {
        writer.Line($"/// <summary>{(layer < 0 ? "The tensors outside the layers." : $"The tensors of layer {layer}.")}</summary>");
        writer.Open($"private static void {MethodName(layer)}(List<TrainingTensor> tensors)");
        Dictionary<PackedMatrix, string> matrices = [];
        foreach (TrainedTensor tensor in plan.Tensors.Where(tensor => tensor.Layer == layer))
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

    private static string Segment(TrainedSegment segment, Dictionary<PackedMatrix, string> matrices)
    {
        string block = $"{segment.FirstOutput}, {segment.Outputs}, {segment.FirstInput}, {segment.Inputs}";
        return segment.Matrix is { } matrix
            ? $"new PanelSegment({block}, {matrices[matrix]}, {segment.Part}, {segment.Column}, {segment.Input})"
            : $"new RowSegment({block}, {Literals.Int(segment.Offset)}, {segment.Stride})";
    }

    private static string MethodName(int layer) => layer < 0 ? "AddTensors" : $"AddTensorsOfLayer{layer:00}";
}

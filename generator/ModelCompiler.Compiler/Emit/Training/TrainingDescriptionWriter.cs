using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Training;

/// <summary>The numbers of the training step that the runtime needs, as a field, and where the published tensors' numbers lie, layer by layer.</summary>
internal sealed class TrainingDescriptionWriter(TrainingPlan plan, IReadOnlyList<VectorTarget> targets, TrainingWeights? weights)
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
            ("PlanHash", Literals.String(plan.Hash)),
            ("ModelHash", Literals.String(plan.ModelHash)),
            ("ParametersLengthBytes", Literals.Int(plan.Trained.LengthBytes)),
            ("ArenaFloatsPerRow", Literals.Int(scratch.ArenaFloatsPerRow)),
            ("LocalFloats", Literals.Int(scratch.LocalFloats)),
            ("LocalFloatsPerRow", Literals.Int(scratch.LocalFloatsPerRow)),
            ("LocalFloatsPerPosition", Literals.Int(scratch.LocalFloatsPerPosition)),
            ("LogitsFloats", Literals.Int(scratch.LogitsFloats)),
            ("InstructionSets", $"[{string.Join(", ", targets.Select(target => "InstructionSet." + target.Name))}]"),
            ("Tensors", "AllTensors()"),
            .. Frozen(),
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

    /// <summary>Where adapters alone are trained: which ones, and the weights that stay as they are.</summary>
    private IEnumerable<(string Name, string Value)> Frozen()
    {
        if (plan.Adapters is { } adapters)
        {
            TrainingWeights file = weights ?? throw new ArgumentException("Adapters are trained over packed weights: name their file.");
            string resource = file.EmbeddedResource is { } name ? Literals.String(name) : "null";
            yield return ("Adapter", TensorListWriter.Settings(adapters));
            yield return ("Frozen", $"new FrozenWeights({Literals.String(file.File)}, {resource}, {Literals.String(plan.Model.Hash)}, {Literals.String(file.ContentHash)}, {Literals.Int(plan.Model.Weights.LengthBytes)})");
        }
    }

    /// <summary>The method that adds the tensors of a layer; −1: those outside the layers.</summary>
    public void WriteTensors(SourceWriter writer, int layer)
        => TensorListWriter.Write(
            writer, MethodName(layer), layer < 0 ? "The tensors outside the layers." : $"The tensors of layer {layer}.", plan.Tensors.Where(tensor => tensor.Layer == layer));

    private static string MethodName(int layer) => layer < 0 ? "AddTensors" : $"AddTensorsOfLayer{layer:00}";
}

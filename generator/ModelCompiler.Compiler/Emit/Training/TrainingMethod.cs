using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Training;

/// <summary>
/// One method: the stages of one place that follow each other. Where activations, parameters and gradients lie, as constants, and the calls of the shared
/// bodies with the equation above each.
/// </summary>
internal sealed record TrainingMethod(string Name, Place Place, IReadOnlyList<Stage> Stages)
{
    /// <summary>In the order of the program. A place that is entered again gets another method, with a number behind its name.</summary>
    public static IReadOnlyList<TrainingMethod> Of(IEnumerable<Stage> stages)
    {
        List<TrainingMethod> methods = [];
        List<Stage> run = [];
        foreach (Stage stage in stages)
        {
            if (run.Count > 0 && run[0].Place != stage.Place)
            {
                Finish();
            }

            run.Add(stage);
        }

        Finish();
        return methods;

        void Finish()
        {
            Place place = run[0].Place;
            int earlier = methods.Count(method => method.Place == place);
            string name = LayerWriter.MethodName(place) + (place.Backward ? "Backward" : "") + (earlier == 0 ? "" : Literals.Int(earlier + 1));
            methods.Add(new TrainingMethod(name, place, run));
            run = [];
        }
    }

    public void Write(SourceWriter writer)
    {
        WriteSummary(writer);
        writer.Open($"private static void {Name}<TKernels>(Worker w)\n    where TKernels : struct, IKernels");
        Dictionary<Slot, string> variables = WriteOperands(writer);
        foreach (Stage stage in Stages)
        {
            writer.Line();
            writer.Line("// " + Literals.Comment(stage.Equation));
            IEnumerable<string> arguments = new[] { "w" }.Concat(stage.Operands.OfType<Slot>().Select(slot => variables[slot])).Concat(stage.Weights.Select(LayerWriter.Pointer));
            writer.Line($"TKernels.{stage.Kernel.Name}({string.Join(", ", arguments)});");
            if (stage.BarrierAfter)
            {
                writer.Line("w.Barrier();");
            }
        }

        writer.Close();
    }

    private void WriteSummary(SourceWriter writer)
    {
        string what = (Place.Section, Place.Backward) switch
        {
            (Section.Embedding, false) => "Tokens to vectors.",
            (Section.Attention, false) => $"Layer {Place.Layer}, attention: every token looks at itself and its past.",
            (Section.FeedForward, false) => $"Layer {Place.Layer}, feed-forward network: every token by itself.",
            (Section.Head, false) => "The last norm, the prediction of the next token, its loss, and the gradients of both.",
            (Section.Embedding, true) => "The gradients of the vectors of tokens.",
            (Section.Attention, true) => $"Layer {Place.Layer}, attention: its gradients.",
            (Section.FeedForward, true) => $"Layer {Place.Layer}, feed-forward network: its gradients.",
            _ => "The gradients of the last norm.",
        };
        LayerWriter.WriteSummary(writer, what, Stages.SelectMany(stage => stage.Weights).Distinct());
    }

    /// <summary>A variable for every value of the method; several may lie in the same place, one behind the other.</summary>
    private Dictionary<Slot, string> WriteOperands(SourceWriter writer)
    {
        Dictionary<Slot, string> variables = [];
        foreach (Slot slot in Stages.SelectMany(stage => stage.Operands.OfType<Slot>()).Distinct())
        {
            string name = slot.Name;
            for (int number = 2; variables.ContainsValue(name) || name == "w"; number++)
            {
                name = slot.Name + Literals.Int(number);
            }

            variables.Add(slot, name);
            writer.Line($"float* {name} = At(w, {slot.Buffer.Offset}){(slot.Column == 0 ? "" : $" + {slot.Column}")}; // {LayerWriter.Shape(slot)}");
        }

        return variables;
    }
}

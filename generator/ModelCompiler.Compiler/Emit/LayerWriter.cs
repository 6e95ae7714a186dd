using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit;

/// <summary>
/// One method for each section of each layer: where its activations and weights lie, as constants, and the calls of the shared bodies with the
/// equation above each. Generic over the instruction set's methods, so that it is written once.
/// </summary>
internal static class LayerWriter
{
    /// <summary>The name of a section's method.</summary>
    public static string MethodName(Place place)
        => place.Layer < 0 ? $"Run{place.Section}" : $"RunLayer{place.Layer:00}{place.Section}";

    /// <summary>Writes the method of the stages of one place.</summary>
    public static void Write(SourceWriter writer, Place place, IReadOnlyList<Stage> stages) => Write(writer, place, MethodName(place), Describe(place), stages);

    /// <summary>Writes a method of stages that are not in the order of a step.</summary>
    public static void Write(SourceWriter writer, Place place, string name, string what, IReadOnlyList<Stage> stages)
    {
        WriteSummary(writer, what, stages);
        writer.Open($"private static void {name}<TKernels>(Worker w)\n    where TKernels : struct, IKernels");
        Dictionary<string, string> variables = WriteOperands(writer, place, stages);
        foreach (Stage stage in stages)
        {
            writer.Line();
            WriteSelection(writer, stage, variables);
            writer.Line("// " + Literals.Comment(stage.Equation));
            bool onlyTraced = stage.Kernel is TapKernel;
            if (onlyTraced)
            {
                writer.Open("if (w.Trace is not null)");
            }

            WriteCall(writer, stage, variables);
            if (stage.BarrierAfter)
            {
                writer.Line("w.Barrier();");
            }

            if (onlyTraced)
            {
                writer.Close();
            }
        }

        writer.Close();
    }

    private static string Describe(Place place) => place.Section switch
    {
        Section.Embedding => "Tokens to vectors.",
        Section.Attention => $"Layer {place.Layer}, attention: every token looks at itself and its past.",
        Section.FeedForward => $"Layer {place.Layer}, feed-forward network: every token by itself.",
        _ => "The last norm and the prediction of the next token, for the rows whose logits are asked for.",
    };

    private static void WriteSummary(SourceWriter writer, string what, IReadOnlyList<Stage> stages)
    {
        WriteSummary(writer, what, stages.SelectMany(stage => stage.Weights));
    }

    /// <summary>What a method does, and the weights that it reads (and the gradients that it adds to).</summary>
    public static void WriteSummary(SourceWriter writer, string what, IEnumerable<WeightArgument> weights)
    {
        writer.Line("/// <summary>");
        writer.Line($"/// {what}");
        writer.Line("/// <code>");
        foreach (WeightArgument weight in weights)
        {
            writer.Line($"/// {Literals.Documentation($"{Literals.Offset(weight.OffsetBytes),10}  {weight.Comment}{(weight.Base == WeightBase.Gradients ? ", its gradient" : "")}")}");
        }

        writer.Line("/// </code>");
        writer.Line("/// </summary>");
    }

    /// <summary>A variable for every activation of the section; the same place in memory is one variable.</summary>
    private static Dictionary<string, string> WriteOperands(SourceWriter writer, Place place, IReadOnlyList<Stage> stages)
    {
        Dictionary<string, string> variables = [];
        foreach (Slot slot in stages.SelectMany(stage => stage.Operands.OfType<Slot>().Concat(stage.Kept)))
        {
            if (variables.ContainsKey(Key(slot)))
            {
                continue;
            }

            string name = slot.Name;
            for (int number = 2; variables.ContainsValue(name) || name == "w"; number++)
            {
                name = slot.Name + Literals.Int(number);
            }

            variables.Add(Key(slot), name);
            string rows = place.Section == Section.Head ? "w.LogitRows" : "w.Rows";
            string shared = $"At(w, {slot.Buffer.Offset})";
            string pointer = slot.Buffer.LocalOffset >= 0 ? $"{rows} == 1 ? w.Local + {slot.Buffer.LocalOffset} : {shared}" : shared;
            string column = slot.Column == 0 ? "" : $" + {slot.Column}";
            writer.Line($"float* {name} = {pointer}{column}; // {Shape(slot)}");
        }

        return variables;
    }

    /// <summary>A slot's shape, as comments tell it.</summary>
    public static string Shape(Slot slot)
        => $"[rows × {slot.Groups * slot.GroupWidth}]" + (slot.Groups > 1 ? $" as {slot.Groups} × {slot.GroupWidth}" : "")
            + (slot.GroupWidth == slot.GroupStride ? "" : $",{(slot.Groups > 1 ? " each" : "")} padded to {slot.GroupStride}");

    /// <summary>A weight, as an argument: panels and tables as bytes, since their format says what they hold; the rest as floats.</summary>
    public static string Pointer(WeightArgument weight)
    {
        string pointer = $"w.{weight.Base} + {Literals.Offset(weight.OffsetBytes)}";
        return weight.Name is "panels" or "dpanels" or "table" or "dtable" ? pointer : $"(float*)({pointer})";
    }

    private static string Key(Slot slot) => $"{slot.Buffer.Offset} {slot.Buffer.LocalOffset} {slot.Column}";

    private static void WriteSelection(SourceWriter writer, Stage stage, Dictionary<string, string> variables)
    {
        if (stage.Kept.Count == 0)
        {
            return;
        }

        writer.Line("// No row reads another any more: the rest is for the rows whose logits are asked for.");
        foreach (Slot slot in stage.Kept)
        {
            writer.Line($"w.MoveLogitRows({variables[Key(slot)]}, {slot.Buffer.Stride}, {slot.PaddedWidth});");
        }

        writer.Line("w.DropOtherRows();");
        writer.Line();
    }

    private static void WriteCall(SourceWriter writer, Stage stage, Dictionary<string, string> variables)
    {
        List<string> arguments = ["w"];
        arguments.AddRange(stage.Operands.OfType<Slot>().Select(slot => variables[Key(slot)]));
        if (stage.Kernel is AttentionKernel or AttentionTapKernel)
        {
            arguments.Add(Literals.Offset(stage.PageOffset));
        }

        arguments.AddRange(stage.Weights.Select(Pointer));
        if (stage.Kernel is TapKernel)
        {
            arguments.Add(Literals.Int(stage.Traced));
        }

        writer.Line($"TKernels.{stage.Kernel.Name}({string.Join(", ", arguments)});");
    }
}

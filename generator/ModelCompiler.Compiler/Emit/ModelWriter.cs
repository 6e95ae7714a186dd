using System.Globalization;
using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Emit.Training;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit;

/// <summary>All files of a model: its class, one file for each layer, and the kernels of each instruction set.</summary>
internal sealed class ModelWriter(ModelPlan plan, EmitOptions options)
{
    private readonly EmittedClass emitted = new(plan.Name, options.Namespace, [options.ClassName], VectorTarget.Choose(options.Targets));

    public static EquatableArray<GeneratedFile> Write(ModelPlan plan, EmitOptions options, CancellationToken cancellation)
    {
        ModelWriter writer = new(plan, options);
        writer.WriteClass();
        foreach (IGrouping<int, Stage> layer in plan.Stages.Where(stage => stage.Place.Layer >= 0).GroupBy(stage => stage.Place.Layer))
        {
            cancellation.ThrowIfCancellationRequested();
            writer.WriteLayer(layer.Key, [.. layer]);
        }

        writer.emitted.AddKernels([.. plan.Kernels], cancellation);
        return writer.emitted.Files.ToEquatable();
    }

    private void WriteClass()
    {
        string[] adapters = plan.Adapter is null ? [] : ["using System.Collections.Generic;", "using ModelCompiler.Runtime.Adapters;", "using ModelCompiler.Runtime.Training;"];
        SourceWriter writer = emitted.Begin(
            Describe(), ["using System.Runtime.Intrinsics.Arm;", "using System.Runtime.Intrinsics.X86;", "using ModelCompiler.Runtime;", "using ModelCompiler.Runtime.Execution;", .. adapters]);
        writer.Line($"/// <summary>{Literals.Documentation(plan.Name)}: {Literals.Documentation(Describe())}</summary>");
        emitted.Open(writer, $"{options.Modifiers} unsafe partial class {options.ClassName} : CompiledModel".TrimStart());
        new DescriptionWriter(plan, options, emitted.Targets).Write(writer);
        writer.Line();
        WriteAdapterTensors(writer);
        writer.Line($"private {options.ClassName}(LoadOptions? options)\n    : base(description, options)").Line("{").Line("}");
        writer.Line();
        writer.Line("/// <summary>Opens the packed weights and gets ready to run. Takes milliseconds, whatever the model's size.</summary>");
        writer.Line("/// <exception cref=\"ModelCompiler.Runtime.Weights.WeightsFileException\">The weights are not those that this code was made for.</exception>");
        writer.Line($"public static {options.ClassName} Load(LoadOptions? options = null) => new(options);");
        writer.Line();
        emitted.WriteExecute(writer);
        WriteRun(writer);
        foreach (Section section in new[] { Section.Embedding, Section.Head })
        {
            writer.Line();
            Place place = new(-1, section);
            LayerWriter.Write(writer, place, [.. plan.Stages.Where(stage => stage.Place == place)]);
        }

        if (plan.Trace is { } trace)
        {
            writer.Line();
            LayerWriter.Write(writer, new(-1, Section.Embedding), "RunVectors", "Tokens to vectors, wherever they stand.", trace.Vectors);
            writer.Line();
            LayerWriter.Write(writer, new(-1, Section.Head), "RunGiven", "States of another step, for the head.", [trace.Given]);
        }

        writer.Line();
        EmittedClass.WriteInterface(writer, plan.Kernels);
        emitted.Finish(writer);
    }

    private void WriteAdapterTensors(SourceWriter writer)
    {
        if (plan.Adapter is { } adapter)
        {
            TensorListWriter.Write(writer, "AddAdapterTensors", "The tensors of the adapters.", adapter.Tensors);
            writer.Line();
            writer.Open("private static List<TrainingTensor> AdapterTensors()");
            writer.Line("List<TrainingTensor> tensors = [];").Line("AddAdapterTensors(tensors);").Line("return tensors;");
            writer.Close().Line();
        }
    }

    private string Describe()
    {
        Dimensions d = plan.Graph.Dimensions;
        return string.Format(
            CultureInfo.InvariantCulture,
            "{0}, {1} layers of width {2}, {3} heads ({4} key/value) of {5}, feed-forward {6}, vocabulary {7}; weights {8}, {9:0.##} MB read for each token.",
            plan.Graph.Family, d.Layers, d.Dim, d.Heads, d.KvHeads, d.HeadDim, d.HiddenDim, d.Vocab, plan.Format, plan.BytesPerToken / 1e6);
    }

    private void WriteRun(SourceWriter writer)
    {
        writer.Line();
        writer.Line("/// <summary>One step, as every worker runs it.</summary>");
        writer.Open("private static void Run<TKernels>(Worker w)\n    where TKernels : struct, IKernels");
        if (plan.Trace is not null)
        {
            WritePartialSteps(writer);
        }

        foreach (Place place in plan.Stages.Select(stage => stage.Place).Distinct())
        {
            string call = $"{LayerWriter.MethodName(place)}<TKernels>(w);";
            if (place.Section == Section.Head)
            {
                writer.Open("if (w.LogitRows > 0)").Line(call).Close();
            }
            else
            {
                writer.Line(call);
            }
        }

        writer.Close();
    }

    /// <summary>The steps that are not whole: the table alone, or the head alone.</summary>
    private static void WritePartialSteps(SourceWriter writer)
    {
        writer.Open("if (w.VectorsOnly)").Line("RunVectors<TKernels>(w);").Line("return;").Close().Line();
        writer.Open("if (w.Given is not null)").Line("RunGiven<TKernels>(w);").Line($"{LayerWriter.MethodName(new(-1, Section.Head))}<TKernels>(w);").Line("return;").Close().Line();
    }

    private void WriteLayer(int layer, IReadOnlyList<Stage> stages)
    {
        SourceWriter writer = emitted.Begin($"layer {layer} of {plan.Graph.Dimensions.Layers}; weights {plan.Format}, {Literals.Int(plan.BytesPerLayer(layer))} bytes read for each token.", "using ModelCompiler.Runtime.Execution;");
        emitted.Open(writer);
        foreach (IGrouping<Place, Stage> section in stages.GroupBy(stage => stage.Place))
        {
            writer.Line();
            LayerWriter.Write(writer, section.Key, [.. section]);
        }

        emitted.Finish(writer, $".Layer{layer:00}");
    }
}

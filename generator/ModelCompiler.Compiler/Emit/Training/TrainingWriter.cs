using System.Globalization;
using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Training;

/// <summary>All files of a model's training class: the class, one file for each layer with its forward and backward methods, the kernels of each instruction set.</summary>
internal sealed class TrainingWriter
{
    private readonly TrainingPlan plan;
    private readonly TrainingEmitOptions options;
    private readonly EmittedClass emitted;
    private readonly IReadOnlyList<TrainingMethod> methods;

    private TrainingWriter(TrainingPlan plan, TrainingEmitOptions options)
    {
        this.plan = plan;
        this.options = options;
        string[] classes = options.OuterClass is { } outer ? [outer, options.ClassName] : [options.ClassName];
        emitted = new EmittedClass(plan.Model.Name, options.Namespace, classes, VectorTarget.Choose(options.Targets));
        methods = TrainingMethod.Of(plan.Stages);
    }

    public static EquatableArray<GeneratedFile> Write(TrainingPlan plan, TrainingEmitOptions options, CancellationToken cancellation)
    {
        TrainingWriter writer = new(plan, options);
        writer.WriteClass();
        foreach (IGrouping<int, TrainingMethod> layer in writer.methods.Where(method => method.Place.Layer >= 0).GroupBy(method => method.Place.Layer))
        {
            cancellation.ThrowIfCancellationRequested();
            writer.WriteLayer(layer.Key, layer);
        }

        writer.emitted.AddKernels([.. plan.Kernels], cancellation);
        return writer.emitted.Files.ToEquatable();
    }

    private void WriteClass()
    {
        string name = options.ClassName;
        SourceWriter writer = emitted.Begin(
            Describe(), "using System.Collections.Generic;", "using System.Runtime.Intrinsics.Arm;", "using System.Runtime.Intrinsics.X86;", "using ModelCompiler.Runtime;",
            "using ModelCompiler.Runtime.Adapters;", "using ModelCompiler.Runtime.Execution;", "using ModelCompiler.Runtime.Training;");
        emitted.OpenOuter(writer);
        WriteLoadForTraining(writer);
        writer.Line($"/// <summary>{Literals.Documentation(plan.Model.Name)}: {Literals.Documentation(Describe())}</summary>");
        writer.Open($"{options.Modifiers} unsafe partial class {name} : TrainableModel".TrimStart());
        new TrainingDescriptionWriter(plan, emitted.Targets, options.Weights).Write(writer);
        writer.Line();
        writer.Line($"private {name}(TrainingLoadOptions? options)\n    : base(description, options)").Line("{").Line("}");
        writer.Line();
        writer.Line("/// <summary>Takes memory for what is trained and its gradients, all 0: WriteTensor sets it.</summary>");
        writer.Line($"public static {name} Create(TrainingLoadOptions? options = null) => new(options);");
        writer.Line();
        emitted.WriteExecute(writer);
        WriteRun(writer);
        foreach (TrainingMethod method in methods.Where(method => method.Place.Layer < 0))
        {
            writer.Line();
            method.Write(writer);
        }

        writer.Line();
        EmittedClass.WriteInterface(writer, plan.Kernels);
        emitted.Finish(writer);
    }

    /// <summary>In the model's own class: the weights that it was packed with, ready for training.</summary>
    private void WriteLoadForTraining(SourceWriter writer)
    {
        if (options.Weights is not { } weights || options.OuterClass is null)
        {
            return;
        }

        if (plan.Adapters is not null)
        {
            writer.Line("/// <summary>Gets new adapters ready for training over the packed weights, which stay as they are; AdapterFolder.Read gives them published numbers.</summary>");
            writer.Line("/// <exception cref=\"ModelCompiler.Runtime.Weights.WeightsFileException\">The weights are not those that this code was made for.</exception>");
            writer.Line($"public static {options.ClassName} LoadForTraining(TrainingLoadOptions? options = null) => TrainableModel.InitialiseAdapters({options.ClassName}.Create(options), seed: 1);");
            writer.Line();
            return;
        }

        string resource = weights.EmbeddedResource is { } name ? Literals.String(name) : "null";
        writer.Line("/// <summary>Gets the model ready for training: parameters as they were published, in float32, and gradients of 0.</summary>");
        writer.Line("/// <exception cref=\"ModelCompiler.Runtime.Weights.WeightsFileException\">The weights are not those that this code was made for.</exception>");
        writer.Line($"public static {options.ClassName} LoadForTraining(TrainingLoadOptions? options = null)");
        writer.Line($"    => TrainableModel.Fill({options.ClassName}.Create(options), {Literals.String(weights.File)}, {resource}, {Literals.String(weights.ContentHash)}, options);");
        writer.Line();
    }

    private string Describe()
    {
        Dimensions d = plan.Model.Graph.Dimensions;
        return string.Format(
            CultureInfo.InvariantCulture,
            "training of {0}, {1} layers of width {2}, {3} heads ({4} key/value) of {5}, feed-forward {6}, vocabulary {7}; {8:0.##} MB of parameters, {9:0.#} KB of activations for each token{10}.",
            plan.Model.Graph.Family, d.Layers, d.Dim, d.Heads, d.KvHeads, d.HeadDim, d.HiddenDim, d.Vocab, plan.Trained.LengthBytes / 1e6,
            plan.Scratch.ArenaFloatsPerRow * 4 / 1e3, plan.RecomputedLayers == 0 ? "" : $", {plan.RecomputedLayers} layers computed again");
    }

    private void WriteRun(SourceWriter writer)
    {
        writer.Line();
        writer.Line("/// <summary>One step, as every worker runs it: forward, the loss, and backward.</summary>");
        writer.Open("private static void Run<TKernels>(Worker w)\n    where TKernels : struct, IKernels");
        bool backward = false;
        foreach (TrainingMethod method in methods)
        {
            if (method.Place.Backward && !backward)
            {
                backward = true;
                writer.Open("if (w.LossOnly)").Line("return;").Close();
            }

            writer.Line($"{method.Name}<TKernels>(w);");
        }

        writer.Close();
    }

    private void WriteLayer(int layer, IEnumerable<TrainingMethod> layerMethods)
    {
        SourceWriter writer = emitted.Begin(
            $"training of layer {layer} of {plan.Model.Graph.Dimensions.Layers}.", "using System.Collections.Generic;", "using ModelCompiler.Runtime.Execution;",
            "using ModelCompiler.Runtime.Training;");
        emitted.Open(writer);
        foreach (TrainingMethod method in layerMethods)
        {
            writer.Line();
            method.Write(writer);
        }

        writer.Line();
        new TrainingDescriptionWriter(plan, emitted.Targets, options.Weights).WriteTensors(writer, layer);
        emitted.Finish(writer, $".Layer{layer:00}");
    }
}

using System.Globalization;
using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit;

/// <summary>All files of a model: its class, one file for each layer, and the kernels of each instruction set.</summary>
internal sealed class ModelWriter(ModelPlan plan, EmitOptions options)
{
    private readonly List<GeneratedFile> files = [];
    private readonly IReadOnlyList<VectorTarget> targets = VectorTarget.Choose(options.Targets);

    public static EquatableArray<GeneratedFile> Write(ModelPlan plan, EmitOptions options, CancellationToken cancellation)
    {
        ModelWriter writer = new(plan, options);
        writer.WriteClass();
        foreach (IGrouping<int, Stage> layer in plan.Stages.Where(stage => stage.Place.Layer >= 0).GroupBy(stage => stage.Place.Layer))
        {
            cancellation.ThrowIfCancellationRequested();
            writer.WriteLayer(layer.Key, [.. layer]);
        }

        foreach (VectorTarget target in writer.targets)
        {
            writer.WriteKernels(KernelWriter.Write(plan, target, cancellation));
        }

        return writer.files.ToEquatable();
    }

    private void WriteClass()
    {
        SourceWriter writer = Begin(Describe(), "using System.Runtime.Intrinsics.Arm;", "using System.Runtime.Intrinsics.X86;", "using ModelCompiler.Runtime;", "using ModelCompiler.Runtime.Execution;");
        writer.Line($"/// <summary>{Literals.Documentation(plan.Name)}: {Literals.Documentation(Describe())}</summary>");
        writer.Open($"{options.Modifiers} unsafe partial class {options.ClassName} : CompiledModel".TrimStart());
        new DescriptionWriter(plan, options, targets).Write(writer);
        writer.Line();
        writer.Line($"private {options.ClassName}(LoadOptions? options)\n    : base(description, options)").Line("{").Line("}");
        writer.Line();
        writer.Line("/// <summary>Opens the packed weights and gets ready to run. Takes milliseconds, whatever the model's size.</summary>");
        writer.Line("/// <exception cref=\"ModelCompiler.Runtime.Weights.WeightsFileException\">The weights are not those that this code was made for.</exception>");
        writer.Line($"public static {options.ClassName} Load(LoadOptions? options = null) => new(options);");
        writer.Line();
        WriteExecute(writer);
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
        writer.Line("/// <summary>A value of the arena: <paramref name=\"floatsPerRow\"/> is where the plan put it.</summary>");
        writer.Line("private static float* At(Worker w, int floatsPerRow) => w.Arena + ((nint)floatsPerRow * w.ArenaRows);");
        writer.Line();
        WriteInterface(writer);
        writer.Close();
        files.Add(new GeneratedFile($"{options.ClassName}.g.cs", writer.ToString()));
    }

    private string Describe()
    {
        Dimensions d = plan.Graph.Dimensions;
        return string.Format(
            CultureInfo.InvariantCulture,
            "{0}, {1} layers of width {2}, {3} heads ({4} key/value) of {5}, feed-forward {6}, vocabulary {7}; weights {8}, {9:0.##} MB read for each token.",
            plan.Graph.Family, d.Layers, d.Dim, d.Heads, d.KvHeads, d.HeadDim, d.HiddenDim, d.Vocab, plan.Format, plan.BytesPerToken / 1e6);
    }

    private void WriteExecute(SourceWriter writer)
    {
        writer.Line("/// <inheritdoc/>");
        writer.Open("protected override void Execute(InstructionSet instructionSet, Worker worker)");
        writer.Open("switch (instructionSet)");
        foreach (VectorTarget target in targets)
        {
            string guard = target.IsSupported == "true" ? "" : $" when {target.IsSupported}";
            writer.Line($"case InstructionSet.{target.Name}{guard}: Run<{target.Name}Kernels>(worker); break;");
        }

        writer.Line("default: throw new PlatformNotSupportedException($\"The instruction set {instructionSet} is not available in this process.\");");
        writer.Close().Close();
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

    private void WriteInterface(SourceWriter writer)
    {
        writer.Line("/// <summary>The bodies that layers share: one for each shape, whatever the number of layers.</summary>");
        writer.Open("private interface IKernels");
        foreach (KernelPlan kernel in plan.Kernels)
        {
            writer.Line();
            writer.Line($"/// <summary>{Literals.Documentation(KernelWriter.Describe(kernel))}</summary>");
            writer.Line($"static abstract void {kernel.Name}({KernelWriter.Parameters(kernel)});");
        }

        writer.Close();
    }

    private void WriteLayer(int layer, IReadOnlyList<Stage> stages)
    {
        SourceWriter writer = Begin($"layer {layer} of {plan.Graph.Dimensions.Layers}; weights {plan.Format}, {Literals.Int(plan.BytesPerLayer(layer))} bytes read for each token.", "using ModelCompiler.Runtime.Execution;");
        writer.Open($"unsafe partial class {options.ClassName}");
        foreach (IGrouping<Place, Stage> section in stages.GroupBy(stage => stage.Place))
        {
            writer.Line();
            LayerWriter.Write(writer, section.Key, [.. section]);
        }

        writer.Close();
        files.Add(new GeneratedFile($"{options.ClassName}.Layer{layer:00}.g.cs", writer.ToString()));
    }

    private void WriteKernels(KernelSet set)
    {
        foreach (KernelFile file in set.Files)
        {
            string what = file switch
            {
                KernelFile.Kernels => "What the layers call.",
                KernelFile.Tiles => "Register tiles.",
                _ => "The exponential and its kin, sums over lanes.",
            };
            SourceWriter writer = Begin(
                $"{set.Target.Description} {what}", "using System.Diagnostics.CodeAnalysis;", "using System.Runtime.CompilerServices;", "using System.Runtime.Intrinsics;", "using System.Runtime.Intrinsics.Arm;",
                "using System.Runtime.Intrinsics.X86;", "using ModelCompiler.Runtime.Execution;");
            writer.Open($"unsafe partial class {options.ClassName}");
            writer.Line($"/// <summary>{Literals.Documentation(set.Target.Description)}</summary>");
            writer.Open($"private readonly partial struct {set.Target.Name}Kernels{(file == KernelFile.Kernels ? " : IKernels" : "")}");
            writer.Line(set.Members(file).ToString().Trim('\n'));
            writer.Close().Close();
            files.Add(new GeneratedFile($"{options.ClassName}.{set.Target.Name}{(file == KernelFile.Kernels ? "" : "." + file)}.g.cs", writer.ToString()));
        }
    }

    private SourceWriter Begin(string what, params string[] usings)
    {
        SourceWriter writer = new();
        writer.Line("// <auto-generated/>");
        writer.Line($"// {Literals.Comment(plan.Name)}: {Literals.Comment(what)}");
        writer.Line("// Written by ModelCompiler; edits are lost at the next build.");
        writer.Line("#nullable enable");
        writer.Line("#pragma warning disable // the rules of the project that this code is compiled in are not its own");
        writer.Line("using System;");
        foreach (string line in usings)
        {
            writer.Line(line);
        }

        writer.Line();
        if (options.Namespace.Length > 0)
        {
            writer.Line($"namespace {options.Namespace};").Line();
        }

        return writer;
    }
}

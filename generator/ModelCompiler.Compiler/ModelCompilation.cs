using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Emit;
using ModelCompiler.Compiler.Emit.Training;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler;

/// <summary>
/// What a class can do besides reading and writing; each is a property of the attribute of the same name. They add to the emitted code and change
/// neither the packed weights nor their plan's hash, so that classes with and without them share one file.
/// </summary>
[Flags]
public enum ModelFeatures
{
    /// <summary>The model and nothing else.</summary>
    None = 0,

    /// <summary>States and attention weights of a step can be kept, and the head be applied to any state.</summary>
    Trace = 1,

    /// <summary>The class can be trained: its gradients are emitted too.</summary>
    Training = 2,
}

/// <summary>What the user chose for a model.</summary>
/// <param name="Weights">
/// Name of a <see cref="WeightFormat"/>, and behind it, if some matrices are to have another, <c>, pattern=format</c> for each such choice:
/// <c>q4, lm_head.*=q8, *.down_proj.*=q8</c>.
/// </param>
/// <param name="Cache">Name of a <see cref="CacheFormat"/>.</param>
/// <param name="Features">What the class can do besides.</param>
/// <param name="Adapter">Low-rank adapters that are computed beside the packed weights, which stay as they are; null: none.</param>
public sealed record PlanOptions(string Weights = "f32", string Cache = "f32", ModelFeatures Features = ModelFeatures.None, AdapterOptions? Adapter = null);

/// <summary>What the emitted class is called, and the packed file that it belongs to.</summary>
/// <param name="Namespace">Empty: the global namespace.</param>
/// <param name="ClassName">A valid C# identifier.</param>
/// <param name="Modifiers">Such as <c>public sealed</c>; the generator repeats what the user's declaration says.</param>
/// <param name="ContentHash">SHA-256 of the packed file's content, lower-case hexadecimal.</param>
/// <param name="WeightsFile">File name of the packed weights.</param>
/// <param name="EmbeddedResource">Name of the resource that holds them instead, or null.</param>
/// <param name="Targets">The instruction sets to emit; empty: all. On a processor that has none of them the class does not load.</param>
public sealed record EmitOptions(
    string Namespace, string ClassName, string Modifiers, string ContentHash, string WeightsFile, string? EmbeddedResource,
    EquatableArray<TargetSet> Targets = default);

/// <summary>What the emitted training class is called.</summary>
/// <param name="Namespace">Empty: the global namespace.</param>
/// <param name="OuterClass">The class that it is nested in, or null.</param>
/// <param name="ClassName">A valid C# identifier.</param>
/// <param name="Modifiers">Such as <c>public sealed</c>.</param>
/// <param name="Targets">The instruction sets to emit; empty: all.</param>
/// <param name="Weights">The packed weights that training begins with; null: whoever creates it gives it its numbers.</param>
public sealed record TrainingEmitOptions(
    string Namespace, string? OuterClass, string ClassName = "Trainable", string Modifiers = "public sealed", EquatableArray<TargetSet> Targets = default,
    TrainingWeights? Weights = null);

/// <summary>The packed weights that a training begins with: in f32 where they are trained, in the model's formats where they are frozen.</summary>
/// <param name="File">Their file name.</param>
/// <param name="EmbeddedResource">Name of the resource that holds them instead, or null.</param>
/// <param name="ContentHash">SHA-256 of their content, lower-case hexadecimal.</param>
public sealed record TrainingWeights(string File, string? EmbeddedResource, string ContentHash);

/// <summary>An emitted file. The same text for the same model on any machine and culture; lines end in \n.</summary>
public sealed record GeneratedFile(string HintName, string Text);

/// <summary>
/// The compiler core, front to back: inputs → graph → passes → plan → emitted files. Pure: text in, text out.
/// </summary>
public static class ModelCompilation
{
    /// <summary>Maps, verifies, fuses and plans a model. Returns null when <paramref name="diagnostics"/> received an error.</summary>
    /// <exception cref="ArgumentException">An adapter's rank below 1, or a target that fits no product.</exception>
    public static ModelPlan? Plan(ModelInputs inputs, PlanOptions options, ICollection<ModelDiagnostic> diagnostics)
    {
        SourceSpan model = new(inputs.Config.File.Path);
        if (Formats(options.Weights, model, diagnostics) is not { } formats)
        {
            return null;
        }

        if (CacheFormat.Find(options.Cache) is not { } cache)
        {
            string known = string.Join(", ", CacheFormat.All.Select(format => format.Name));
            diagnostics.Add(new(Catalogue.UnknownFormat, model, $"Found the cache format '{options.Cache}', expected one of {known}. Set Cache to one of these."));
            return null;
        }

        if (ModelGraphBuilder.Build(inputs, diagnostics) is not { } graph
            || !FormatCheck.Check(formats, graph, model, diagnostics))
        {
            return null;
        }

        return Guard(model, diagnostics, verify => options.Adapter is { } adapter
            ? ModelPlanner.Plan(inputs.Name, graph, formats, cache, adapter, verify, options.Features)
            : ModelPlanner.Plan(inputs.Name, graph, formats, cache, verify, options.Features));
    }

    /// <summary>Maps, verifies, differentiates, fuses and plans the training of all parameters of a model, in f32, or of adapters of a model that is frozen. Returns null when <paramref name="diagnostics"/> received an error.</summary>
    /// <exception cref="TrainingMemoryException">The activations do not fit into the memory that the options allow.</exception>
    /// <exception cref="ArgumentException">A rank below 1, or a target that fits no product.</exception>
    public static TrainingPlan? PlanTraining(ModelInputs inputs, TrainingPlanOptions options, ICollection<ModelDiagnostic> diagnostics)
    {
        SourceSpan model = new(inputs.Config.File.Path);
        return Formats(options.Weights, model, diagnostics) is { } formats
            && ModelGraphBuilder.Build(inputs, diagnostics) is { } graph
            && FormatCheck.Check(formats, graph, model, diagnostics)
            ? Guard(model, diagnostics, verify => TrainingPlanner.Plan(inputs.Name, graph, formats, options, verify))
            : null;
    }

    /// <summary>Writes the C# of a planned training step.</summary>
    public static EquatableArray<GeneratedFile> EmitTraining(TrainingPlan plan, TrainingEmitOptions options, CancellationToken cancellation = default)
        => TrainingWriter.Write(plan, options, cancellation);

    private static FormatChoice? Formats(string weights, SourceSpan model, ICollection<ModelDiagnostic> diagnostics)
    {
        if (FormatChoice.TryParse(weights, out FormatChoice? formats, out string? mistake))
        {
            return formats;
        }

        diagnostics.Add(new(Catalogue.UnknownFormat, model, $"In the weights format '{weights}': {mistake} Set Weights to one of the formats, or to one and PATTERN=FORMAT behind it."));
        return null;
    }

    /// <summary>Plans; what cannot be planned, and what a pass did wrong, becomes a diagnostic.</summary>
    private static T? Guard<T>(SourceSpan model, ICollection<ModelDiagnostic> diagnostics, Func<Action<string, ModelGraph>, T> plan)
        where T : class
    {
        bool valid = true;
        try
        {
            T made = plan((_, fused) => valid &= GraphVerifier.Verify(fused, model, diagnostics));
            return valid ? made : null;
        }
        catch (MixedGateException mixed)
        {
            diagnostics.Add(new(Catalogue.MixedGate, model, mixed.Message));
            return null;
        }
        catch (UnsupportedOperationException unsupported)
        {
            diagnostics.Add(new(Catalogue.NotLowered, model, $"Found the operation {unsupported.Message}, which has no kernel in this use yet. Report it with the model's config."));
            return null;
        }
        catch (OverflowException)
        {
            diagnostics.Add(new(Catalogue.TooLarge, model, "Found sizes whose products exceed what a program can address (2^31 floats in a row or a cache page). Check the sizes in the config."));
            return null;
        }
    }

    /// <summary>Writes the members that the class of a model would have, each of which throws: for a model that cannot be compiled.</summary>
    /// <param name="model">Its name.</param>
    /// <param name="space">Namespace; empty: the global one.</param>
    /// <param name="className">A valid C# identifier.</param>
    /// <param name="modifiers">Such as <c>public sealed</c>.</param>
    /// <param name="features">What the class can do besides.</param>
    public static GeneratedFile EmitPlaceholder(string model, string space, string className, string modifiers, ModelFeatures features)
        => PlaceholderWriter.Write(model, space, className, modifiers, features.HasFlag(ModelFeatures.Training));

    /// <summary>Writes those that training adds, where it alone cannot be compiled.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="space">Namespace; empty: the global one.</param>
    /// <param name="className">The class that they are members of.</param>
    public static GeneratedFile EmitTrainingPlaceholder(string model, string space, string className) => PlaceholderWriter.WriteTraining(model, space, className);

    /// <summary>Writes the C# of a planned model.</summary>
    public static EquatableArray<GeneratedFile> Emit(ModelPlan plan, EmitOptions options, CancellationToken cancellation = default)
        => ModelWriter.Write(plan, options, cancellation);
}

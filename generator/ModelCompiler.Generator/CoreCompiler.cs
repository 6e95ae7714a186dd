using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Generator;

/// <summary>The real core behind <see cref="IModelCompiler"/>.</summary>
internal sealed class CoreCompiler : IModelCompiler
{
    /// <inheritdoc/>
    public ModelOutcome Compile(ModelRequest request, CancellationToken cancellation)
    {
        List<ModelDiagnostic> diagnostics = [];
        EquatableArray<GeneratedFile> files = Emit(request, diagnostics, cancellation);
        return new(request.Target.HintPrefix, files, diagnostics.Select(diagnostic => Finding.Of(diagnostic, request.Sources)).ToEquatable());
    }

    private static EquatableArray<GeneratedFile> Emit(ModelRequest request, List<ModelDiagnostic> diagnostics, CancellationToken cancellation)
    {
        if (ModelManifest.Read(request.Sources.Manifest, diagnostics) is not { } manifest
            || ModelCompilation.Plan(manifest.ToInputs(new ModelConfig(request.Sources.Config)), new PlanOptions(manifest.Weights, manifest.Cache, request.Target.Features, manifest.Adapter), diagnostics) is not { } plan)
        {
            return EquatableArray<GeneratedFile>.Empty;
        }

        if (plan.Hash != manifest.PlanHash)
        {
            diagnostics.Add(BuildRules.OutdatedManifest.Create(
                new SourceSpan(request.Sources.Manifest.Path), "the packed weights",
                $"plan {manifest.PlanHash}", plan.Hash, "The config or the compiler changed after packing: build the project again."));
            return EquatableArray<GeneratedFile>.Empty;
        }

        ModelTarget target = request.Target;
        EquatableArray<GeneratedFile> files = ModelCompilation.Emit(
            plan,
            new EmitOptions(target.Namespace, target.ClassName, target.Modifiers, manifest.ContentHash, manifest.WeightsFile, manifest.EmbeddedResource),
            cancellation);
        return target.Features.HasFlag(ModelFeatures.Training)
            ? files.Concat(EmitTraining(request, manifest, diagnostics, cancellation)).ToEquatable()
            : files;
    }

    /// <summary>A model with adapters stays as it is packed, and they are trained.</summary>
    private static TrainingPlanOptions Training(ModelManifest manifest)
        => manifest.Adapter is { } adapters ? new(Adapters: adapters, Weights: manifest.Weights) : new();

    private static EquatableArray<GeneratedFile> EmitTraining(ModelRequest request, ModelManifest manifest, List<ModelDiagnostic> diagnostics, CancellationToken cancellation)
    {
        if (manifest.TrainingWeights is not { } weights)
        {
            return Placeholder(request.Target); // told where the class stands: MC306
        }

        TrainingPlan? plan = ModelCompilation.PlanTraining(manifest.ToInputs(new ModelConfig(request.Sources.Config)), Training(manifest), diagnostics);
        return plan is null
            ? Placeholder(request.Target)
            : ModelCompilation.EmitTraining(plan, new TrainingEmitOptions(request.Target.Namespace, request.Target.ClassName, Weights: weights), cancellation);
    }

    private static EquatableArray<GeneratedFile> Placeholder(ModelTarget target)
        => new([ModelCompilation.EmitTrainingPlaceholder(target.ModelName, target.Namespace, target.ClassName)]);
}

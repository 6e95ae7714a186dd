using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;

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
            || ModelCompilation.Plan(manifest.ToInputs(new ModelConfig(request.Sources.Config)), new PlanOptions(manifest.Weights, manifest.Cache, request.Target.Features), diagnostics) is not { } plan)
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
        return ModelCompilation.Emit(
            plan,
            new EmitOptions(target.Namespace, target.ClassName, target.Modifiers, manifest.ContentHash, manifest.WeightsFile, manifest.EmbeddedResource),
            cancellation);
    }
}

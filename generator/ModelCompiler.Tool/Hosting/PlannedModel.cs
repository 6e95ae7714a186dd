using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Weights;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Packing;

namespace ModelCompiler.Tool.Hosting;

/// <summary>Several findings at once: all that is wrong with a model, not only the first.</summary>
internal sealed class ModelFindingsException(IReadOnlyList<ModelDiagnostic> diagnostics)
    : Exception(string.Join('\n', diagnostics))
{
    /// <summary>At least one of them is an error.</summary>
    public IReadOnlyList<ModelDiagnostic> Diagnostics { get; } = diagnostics;
}

/// <summary>A model folder, opened and planned: what every command and the build begin with.</summary>
internal sealed class PlannedModel : IDisposable
{
    private readonly ModelFolder folder;
    private readonly AdapterChoice? merged;

    private PlannedModel(ModelFolder folder, ModelPlan plan, IReadOnlyList<ModelDiagnostic> warnings, AdapterChoice? merged)
    {
        PublishedParameters published = new(folder);
        Parameters = merged?.Merge(published, plan.Graph) ?? published;
        this.folder = folder;
        this.merged = merged;
        Plan = plan;
        Warnings = warnings;
    }

    /// <summary>Every decision about the model.</summary>
    public ModelPlan Plan { get; }

    /// <summary>The numbers that are packed: as published, with an adapter merged into them where one was given.</summary>
    public IParameterSource Parameters { get; }

    /// <summary>The published tensors, and the files that hold them.</summary>
    public ModelFolder Folder => folder;

    /// <summary>What was found that does not stop the compilation.</summary>
    public IReadOnlyList<ModelDiagnostic> Warnings { get; }

    /// <summary>Reads and plans. The name is that of the folder when null; <paramref name="merged"/>: an adapter that packing merges into the matrices.</summary>
    /// <exception cref="ModelFindingsException">The model cannot be compiled.</exception>
    /// <exception cref="Runtime.Adapters.AdapterException">The adapter is of another model.</exception>
    public static PlannedModel Open(string directory, string? name, PlanOptions options, AdapterChoice? merged = null) => Open(directory, name, options, null, merged);

    /// <summary>Reads and plans, together with the adapters that <paramref name="adapters"/> gives for the model's family.</summary>
    /// <exception cref="ModelFindingsException">The model cannot be compiled.</exception>
    /// <exception cref="ArgumentException">A target fits no product.</exception>
    public static PlannedModel Open(string directory, string? name, PlanOptions options, Func<string, AdapterOptions>? adapters, AdapterChoice? merged)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelFolder? folder = ModelFolder.Open(directory, name, diagnostics);
        try
        {
            if (folder is not null
                && SafeName.CheckModel(folder.Inputs.Name, new SourceSpan(directory), diagnostics)
                && PlanWith(folder.Inputs, options, adapters, diagnostics) is { } plan)
            {
                PlannedModel model = new(folder, plan, InFolder(diagnostics, directory), merged);
                folder = null;
                return model;
            }
        }
        finally
        {
            folder?.Dispose();
        }

        throw new ModelFindingsException(InFolder(diagnostics, directory));
    }

    private static ModelPlan? PlanWith(ModelInputs inputs, PlanOptions options, Func<string, AdapterOptions>? adapters, List<ModelDiagnostic> diagnostics)
    {
        ModelPlan? plan = ModelCompilation.Plan(inputs, options, diagnostics);
        return plan is null || adapters is null ? plan : ModelCompilation.Plan(inputs, options with { Adapter = adapters(plan.Graph.Family) }, []);
    }

    /// <summary>
    /// Writes NAME.mcw, for training NAME.train.mcw, NAME.links (see <see cref="LinkedFiles"/>), and NAME.manifest.json, the manifest last. Whoever fails or is cancelled leaves neither half of a file.
    /// </summary>
    /// <param name="outputDirectory">Made when absent.</param>
    /// <param name="resource">The resource that the packed weights will be embedded as, or null.</param>
    /// <param name="training">Packs the weights once more, in f32, for training to begin with.</param>
    /// <param name="progress">Receives bytes written, of Plan.Weights.LengthBytes.</param>
    /// <param name="cancellation">Looked at between panels.</param>
    /// <exception cref="ModelException">A weight cannot be packed, or all of them cannot be embedded.</exception>
    public ModelManifest Pack(string outputDirectory, string? resource, bool training, IProgress<long>? progress, CancellationToken cancellation)
    {
        if (resource is not null)
        {
            EmbeddedWeights.ThrowIfTooLong(Plan.Weights, Path.Combine(folder.DirectoryPath, "config.json"));
        }

        using MadeFolder made = new(outputDirectory);
        string weightsFile = Plan.Name + ".mcw";
        using WeightsFileWriter writer = new(Path.Combine(outputDirectory, weightsFile), Plan.Hash);
        string? trainingHash;
        try
        {
            WeightsPacker.Pack(Plan.Weights, Parameters, writer.Write, progress, cancellation);
            trainingHash = training ? PackForTraining(outputDirectory, cancellation) : null;
        }
        catch (ModelException fault)
        {
            throw new ModelException(InFolder(fault.Diagnostic, folder.DirectoryPath));
        }

        byte[] tokenizer = TokenizerSource.Pack(folder.DirectoryPath, Plan.Graph.Dimensions.Vocab);
        folder.ThrowIfChanged();
        cancellation.ThrowIfCancellationRequested();
        string contentHash = writer.Complete(tokenizer);

        ModelManifest manifest = new(Plan.Name, Plan.Format, Plan.Cache.Format, weightsFile, resource, Plan.Hash, contentHash, folder.Inputs.Tensors, trainingHash, Plan.Adapter?.Options);
        LinkedFiles.Write(Path.Combine(outputDirectory, Plan.Name + LinkedFiles.Extension), InputFiles);
        WholeFile.Write(Path.Combine(outputDirectory, Plan.Name + ".manifest.json"), manifest.Write());
        return manifest;
    }

    /// <summary>Those whose names and times the build looks at.</summary>
    private IEnumerable<string> InputFiles
        => new[] { (folder.DirectoryPath, "*.json"), (folder.DirectoryPath, "*.safetensors"), (merged?.Folder, "adapter_*") }
            .SelectMany(((string? Folder, string Pattern) files) => files.Folder is null ? [] : Directory.EnumerateFiles(files.Folder, files.Pattern));

    private string PackForTraining(string outputDirectory, CancellationToken cancellation)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelPlan plan = ModelCompilation.Plan(folder.Inputs, new PlanOptions(), diagnostics) ?? throw new ModelFindingsException(diagnostics);
        using WeightsFileWriter writer = new(Path.Combine(outputDirectory, ModelManifest.TrainingFile(Plan.Name)), plan.Hash);
        WeightsPacker.Pack(plan.Weights, Parameters, writer.Write, null, cancellation);
        return writer.Complete([]);
    }

    /// <summary>The C# of the model, for the given instruction sets (none: for all).</summary>
    public EquatableArray<GeneratedFile> Emit(
        ModelManifest manifest, string space, string className, string modifiers, EquatableArray<TargetSet> targets, CancellationToken cancellation)
        => ModelCompilation.Emit(
            Plan,
            new EmitOptions(space, className, modifiers, manifest.ContentHash, manifest.WeightsFile, manifest.EmbeddedResource, targets),
            cancellation);

    /// <summary>Plans must not depend on the machine, so tensors know their files by name alone: here the folder is put in front.</summary>
    private static ModelDiagnostic[] InFolder(IEnumerable<ModelDiagnostic> diagnostics, string directory)
        => [.. diagnostics.Select(diagnostic => InFolder(diagnostic, directory))];

    private static ModelDiagnostic InFolder(ModelDiagnostic diagnostic, string directory)
    {
        SourceSpan where = diagnostic.Where;
        return where.File.EndsWith(".safetensors", StringComparison.Ordinal) && Path.GetFileName(where.File) == where.File
            ? diagnostic with { Where = where with { File = Path.Combine(directory, where.File) } }
            : diagnostic;
    }

    /// <inheritdoc/>
    public void Dispose() => folder.Dispose();
}

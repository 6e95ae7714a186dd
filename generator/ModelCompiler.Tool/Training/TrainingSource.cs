using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Runtime.Weights.Safetensors;
using ModelCompiler.Tool.Commands;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.Tool.Training;

/// <summary>The model that a training begins with: its config, its tokenizer, its tensors, and what they hold at the beginning.</summary>
internal sealed class TrainingSource : IDisposable
{
    /// <summary>The model's name, in messages.</summary>
    public const string ModelName = "model";

    private readonly ModelFolder? folder;
    private readonly Func<TensorInfo, ReadNumbers> initial;

    private TrainingSource(ModelInputs inputs, ModelGraph graph, TokenizerChoice tokenizer, ModelFolder? folder, Func<TensorInfo, ReadNumbers> initial)
    {
        Inputs = inputs;
        Graph = graph;
        Tokenizer = tokenizer;
        this.folder = folder;
        this.initial = initial;
    }

    /// <summary>What the compiler core needs to know.</summary>
    public ModelInputs Inputs { get; }

    /// <summary>The model.</summary>
    public ModelGraph Graph { get; }

    /// <summary>The tokenizer's files.</summary>
    public TokenizerChoice Tokenizer { get; }

    /// <summary>vocab_size as the user wrote it, where the tokenizer that was made has fewer tokens and the model is made for those; else null.</summary>
    public int? ReplacedVocabulary { get; private init; }

    /// <summary>Reads or makes everything.</summary>
    /// <exception cref="ModelFindingsException">The config does not describe a model.</exception>
    /// <exception cref="ModelException">A file cannot be read, or config and tokenizer contradict each other.</exception>
    public static TrainingSource Of(TrainingRequest request, IReadOnlyList<string> documents, CancellationToken cancellation)
        => request.FromScratch ? FromScratch(request, documents, cancellation) : FromFolder(request);

    /// <summary>Gives the trainable model its numbers; adapters, new ones that <paramref name="seed"/> chooses.</summary>
    public void Fill(TrainableModel model, ulong seed, CancellationToken cancellation)
    {
        if (model.Description.Adapter is not null)
        {
            model.InitialiseAdapters(seed);
            return;
        }

        Dictionary<string, TensorInfo> byName = Inputs.Tensors.ToDictionary(tensor => tensor.Name);
        foreach (TrainingTensor tensor in model.Description.Tensors)
        {
            cancellation.ThrowIfCancellationRequested();
            TensorInfo published = byName[tensor.Name];
            TensorRows.Fill(published, model, initial(published));
        }

        folder?.ThrowIfChanged();
    }

    /// <inheritdoc/>
    public void Dispose() => folder?.Dispose();

    private static TrainingSource FromScratch(TrainingRequest request, IReadOnlyList<string> documents, CancellationToken cancellation)
    {
        TextFile written = ModelText.Read(request.Source, "Name a config.json.");
        TokenizerChoice tokenizer = TokenizerChoice.Of(request.Tokenizer ?? TokenizerChoice.BytePairs, documents, request.Vocabulary, request.Options.Context, cancellation);
        TextFile config = TrainingConfig.Fit(written, tokenizer.Open(0), tokenizer.IsMade, request.Half);
        List<ModelDiagnostic> diagnostics = [];
        EquatableArray<TensorInfo> tensors = Tensors(config, diagnostics);
        if (tokenizer.IsMade && request.Options.Resume && TrainingCheckpoint.FindLast(new TrainingFolder(request.Output).Checkpoints) is { } checkpoint)
        {
            TextFile spare = TrainingConfig.Fit(written, tokenizer.Open(0), tokenizer.IsMade, request.Half, keepSpareRows: true);
            EquatableArray<TensorInfo> larger = Tensors(spare, diagnostics);
            (config, tensors) = AreThoseOf(checkpoint, larger) ? (spare, larger) : (config, tensors); // versions before kept such rows
        }

        ModelInputs inputs = new(ModelName, new ModelConfig(config), tensors);
        ModelGraph graph = ModelGraphBuilder.Build(inputs, diagnostics) ?? throw Findings(diagnostics, request.Source);
        Faults.Print(Unplaced(diagnostics, written, config));
        WeightInitialisation weights = new(graph, TrainingConfig.InitializerRange(config), request.Options.Seed);
        return new(inputs, graph, tokenizer, null, tensor => (first, numbers) => weights.Make(tensor, first, numbers))
        {
            ReplacedVocabulary = TrainingConfig.Vocabulary(written) is { } vocab && vocab != graph.Dimensions.Vocab ? vocab : null,
        };
    }

    /// <summary>By names and shapes. A file that is damaged has none: what is wrong with it is told when it is taken up.</summary>
    private static bool AreThoseOf(string checkpoint, IEnumerable<TensorInfo> tensors)
    {
        try
        {
            using SafetensorsReader weights = new(Path.Combine(checkpoint, TrainingCheckpoint.WeightsFile));
            Dictionary<string, IReadOnlyList<int>> shapes = weights.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
            return tensors.All(tensor => shapes.TryGetValue(tensor.Name, out IReadOnlyList<int>? shape) && shape.SequenceEqual(tensor.Shape));
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static TrainingSource FromFolder(TrainingRequest request)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelFolder folder = ModelFolder.Open(request.Source, ModelName, diagnostics) ?? throw new ModelFindingsException(diagnostics);
        try
        {
            TokenizerChoice tokenizer = TokenizerChoice.Of(request.Source, [], 0, 0, CancellationToken.None);
            TextFile config = TrainingConfig.Fit(folder.Inputs.Config.File, tokenizer.Open(0), isMade: false, request.Half);
            ModelInputs inputs = folder.Inputs with { Config = new ModelConfig(config) };
            ModelGraph graph = ModelGraphBuilder.Build(inputs, diagnostics) ?? throw new ModelFindingsException(diagnostics);
            Faults.Print(Unplaced(diagnostics, folder.Inputs.Config.File, config));
            return new(inputs, graph, tokenizer, folder, tensor => (first, numbers) => folder.Read(tensor, first, numbers));
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Findings about the config, as the user wrote it: lines of the one that was fitted to the tokenizer are not those of the file.</summary>
    private static IEnumerable<ModelDiagnostic> Unplaced(IEnumerable<ModelDiagnostic> diagnostics, TextFile written, TextFile fitted)
        => diagnostics.Select(diagnostic => diagnostic.Where.File == written.Path && written.Text != fitted.Text ? diagnostic with { Where = new SourceSpan(written.Path) } : diagnostic);

    /// <summary>The tensors that a model of this config has. None where the config does not say enough: then the core says what is missing.</summary>
    private static EquatableArray<TensorInfo> Tensors(TextFile config, List<ModelDiagnostic> diagnostics)
    {
        try
        {
            long offset = 0;
            return SyntheticTensors.Of(config.Text).Select(tensor =>
            {
                long length = 4 * tensor.Shape.Aggregate(1L, (product, size) => checked(product * size));
                offset += length;
                return new TensorInfo(tensor.Name, TensorType.F32, tensor.Shape.ToEquatable(), "model.safetensors", offset - length, length);
            }).ToEquatable();
        }
        catch (Exception fault) when (fault is KeyNotFoundException or InvalidOperationException or NotSupportedException or FormatException or OverflowException)
        {
            ModelGraphBuilder.Build(new(ModelName, new ModelConfig(config), EquatableArray<TensorInfo>.Empty), diagnostics);
            throw Findings(diagnostics, config.Path);
        }
    }

    /// <summary>No weights are missing, for there are none yet.</summary>
    private static ModelFindingsException Findings(List<ModelDiagnostic> diagnostics, string path)
    {
        List<ModelDiagnostic> told = [.. diagnostics.Where(diagnostic => diagnostic.Rule != Catalogue.MissingTensor && diagnostic.Rule != Catalogue.WrongShape)];
        return new(told.Count > 0 ? told : [Catalogue.MissingValue.Create(new SourceSpan(path), "config", "too little", "the sizes of a model", "Take the config.json of a published model as an example.")]);
    }
}

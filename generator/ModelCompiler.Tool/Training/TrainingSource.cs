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
        TextFile written = ModelText.ReadNamed(request.Source, "Name a config.json.", cancellation);
        TokenizerChoice tokenizer = TokenizerChoice.Of(request.Tokenizer ?? TokenizerChoice.BytePairs, documents, request.Vocabulary, request.Options.Context, cancellation);
        TextFile config = TrainingConfig.Fit(written, tokenizer.Open(0), tokenizer.IsMade, request.Half);
        ConfiguredModel model = ConfiguredModel.Of(config, ModelName, cancellation);
        if (tokenizer.IsMade && request.Options.Resume && TrainingCheckpoint.FindLast(new TrainingFolder(request.Output).Checkpoints) is { } checkpoint)
        {
            TextFile spare = TrainingConfig.Fit(written, tokenizer.Open(0), tokenizer.IsMade, request.Half, keepSpareRows: true);
            ConfiguredModel larger = ConfiguredModel.Of(spare, ModelName, cancellation);
            (config, model) = AreThoseOf(checkpoint, larger.Inputs.Tensors) ? (spare, larger) : (config, model); // versions before kept such rows
        }

        Faults.Print(Unplaced(model.Warnings, written, config));
        WeightInitialisation weights = new(model.Graph, TrainingConfig.InitializerRange(config), request.Options.Seed);
        return new(model.Inputs, model.Graph, tokenizer, null, tensor => (first, numbers) => weights.Make(tensor, first, numbers))
        {
            ReplacedVocabulary = TrainingConfig.Vocabulary(written) is { } vocab && vocab != model.Graph.Dimensions.Vocab ? vocab : null,
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
}

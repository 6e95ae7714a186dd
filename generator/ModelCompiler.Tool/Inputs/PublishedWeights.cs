using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Tool.Inputs;

/// <summary>
/// Which files of a folder hold its weights: model.safetensors; else the shards that model.safetensors.index.json names; else the
/// one *.safetensors that there is.
/// </summary>
internal sealed class PublishedWeights
{
    private const string SingleName = "model.safetensors";
    private const string IndexName = "model.safetensors.index.json";
    private const string Advice = "Give the folder of a model as it was published: config.json and *.safetensors.";

    private readonly string directory;
    private readonly SafetensorsIndex? index;

    private PublishedWeights(string directory, IReadOnlyList<string> files, SafetensorsIndex? index)
    {
        this.directory = directory;
        this.index = index;
        Files = files;
    }

    /// <summary>Names in the folder.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Full paths of all files, the index among them.</summary>
    public IEnumerable<string> Paths
        => (index is null ? Files : [IndexName, .. Files]).Select(file => Path.Combine(directory, file));

    /// <summary>Null after an error was reported.</summary>
    /// <exception cref="ModelException">There are no weights, or the index cannot be read.</exception>
    public static PublishedWeights? Find(string directory, ICollection<ModelDiagnostic> diagnostics)
    {
        if (Path.Exists(Path.Combine(directory, SingleName)))
        {
            return new(directory, [SingleName], null);
        }

        string indexPath = Path.Combine(directory, IndexName);
        if (File.Exists(indexPath))
        {
            SafetensorsIndex? index = SafetensorsIndex.Read(ModelText.Read(indexPath, Advice), diagnostics);
            return index is null ? null : new(directory, index.Shards, index);
        }

        string[] found = [.. Directory.GetFiles(directory, "*.safetensors").Select(path => Path.GetFileName(path))];
        return found.Length == 1
            ? new(directory, found, null)
            : throw new ModelException(Catalogue.UnreadableFile.Create(
                new SourceSpan(directory), "weights", found.Length == 0 ? "no *.safetensors" : $"{found.Length} *.safetensors without an index",
                $"{SingleName}, or {IndexName} and its shards", Advice));
    }

    /// <summary>The tensors of all files; null after an error: shards and index contradict each other.</summary>
    public EquatableArray<TensorInfo>? Join(IEnumerable<TensorInfo> tensors, ICollection<ModelDiagnostic> diagnostics)
    {
        if (index is null)
        {
            return tensors.ToEquatable();
        }

        List<ModelDiagnostic> found = [];
        EquatableArray<TensorInfo> joined = index.Join(tensors, found);
        foreach (ModelDiagnostic diagnostic in found)
        {
            diagnostics.Add(diagnostic);
        }

        return found.HasErrors() ? null : joined;
    }
}

using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Tool.Inputs;

/// <summary>
/// A published model on disk: its config, the headers of its weight files, and their tensors, mapped. Headers are read within the
/// format's bounds and checked in full by the core before a tensor's bytes are looked at. Mapped pages of a file that shrinks
/// while it is read would end the process, so callers ask <see cref="ThrowIfChanged"/> before and after long work.
/// </summary>
public sealed class ModelFolder : ITensorSource, IDisposable
{
    /// <summary>What to do where there is no model.</summary>
    internal const string Advice = "Give the folder of a model as it was published: config.json and *.safetensors.";

    private readonly Dictionary<string, MappedFile> files;

    private ModelFolder(string directory, ModelInputs inputs, Dictionary<string, MappedFile> files, IReadOnlyList<string> paths)
    {
        DirectoryPath = directory;
        Inputs = inputs;
        Files = paths;
        this.files = files;
    }

    /// <summary>The folder, as it was given.</summary>
    public string DirectoryPath { get; }

    /// <summary>What the compiler core needs. <see cref="TensorInfo.File"/> is a file's name in the folder.</summary>
    public ModelInputs Inputs { get; }

    /// <summary>Every file that the model is read from, under <see cref="DirectoryPath"/>; config.json first.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Opens a folder; the model is called <paramref name="name"/>, or else as the folder.</summary>
    /// <exception cref="ModelException">The first thing that is wrong with it.</exception>
    public static ModelFolder Open(string directory, string? name = null)
    {
        List<ModelDiagnostic> diagnostics = [];
        return Open(directory, name, diagnostics)
            ?? throw new ModelException(diagnostics.First(diagnostic => diagnostic.Rule.Severity == DiagnosticSeverity.Error));
    }

    /// <summary>Opens a folder. Null after at least one error was reported.</summary>
    public static ModelFolder? Open(string directory, string? name, ICollection<ModelDiagnostic> diagnostics)
    {
        Dictionary<string, MappedFile> files = [];
        try
        {
            if (Read(directory, name, files, diagnostics) is { } folder)
            {
                return folder;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            diagnostics.Report(
                Catalogue.UnreadableFile, new SourceSpan(directory), "model folder", exception is UnauthorizedAccessException ? "one that you may not read" : exception.Message.TrimEnd('.'), "files that can be read", Advice);
        }
        catch (ModelException exception)
        {
            diagnostics.Add(exception.Diagnostic);
        }

        Release(files.Values);
        return null;
    }

    /// <inheritdoc/>
    public void Read(TensorInfo tensor, long first, Span<float> destination)
    {
        int size = TensorElements.SizeBytes(tensor.Type);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, (tensor.LengthBytes / size) - destination.Length);
        ReadOnlySpan<byte> bytes = files[tensor.File].Bytes(tensor.OffsetBytes + (first * size), checked(destination.Length * size));
        TensorElements.Decode(tensor.Type, bytes, destination);
    }

    /// <summary>The tensor's bytes as they lie in its file; at most 2 GiB at once.</summary>
    public ReadOnlySpan<byte> Bytes(TensorInfo tensor) => files[tensor.File].Bytes(tensor.OffsetBytes, checked((int)tensor.LengthBytes));

    /// <summary>Makes sure that the weight files on disk are still those that were opened.</summary>
    /// <exception cref="ModelException">One was replaced, rewritten, cut off or removed.</exception>
    public void ThrowIfChanged()
    {
        foreach (MappedFile file in files.Values)
        {
            if (!file.IsUnchanged)
            {
                throw new ModelException(Catalogue.UnreadableFile.Create(
                    new SourceSpan(file.FilePath), "file", "another length or time than when it was opened",
                    $"{file.Length} bytes, untouched", "Do not write to a model while it is read; run the command again."));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Release(files.Values);

    private static void Release(IEnumerable<MappedFile> files)
    {
        foreach (MappedFile file in files)
        {
            file.Dispose();
        }
    }

    private static ModelFolder? Read(
        string directory, string? name, Dictionary<string, MappedFile> files, ICollection<ModelDiagnostic> diagnostics)
    {
        string configPath = Path.Combine(directory, "config.json");
        if (!File.Exists(configPath) && OtherPlace.Describe(directory) is { } other)
        {
            throw new ModelException(Catalogue.UnreadableFile.Create(new SourceSpan(directory), "model", other.Found, "the folder of a model: config.json and *.safetensors", other.Advice));
        }

        if (!Directory.Exists(directory))
        {
            throw Missing(directory, "no such folder", "a folder");
        }

        TextFile config = ModelText.Read(configPath, Advice);
        if (PublishedWeights.Find(directory, diagnostics) is not { } weights)
        {
            return null;
        }

        List<TensorInfo> tensors = [];
        foreach (string file in weights.Files)
        {
            string path = Path.Combine(directory, file);
            if (!Path.Exists(path) && BrokenLink.Target(path) is null)
            {
                throw Missing(path, "no such file", "the weights that the model's index names");
            }

            MappedFile mapped = Map(path);
            files.Add(file, mapped);
            if (ReadHeader(mapped, diagnostics) is not { } found)
            {
                return null;
            }

            tensors.AddRange(found.Select(tensor => tensor with { File = file }));
        }

        if (weights.Join(tensors, diagnostics) is not { } joined)
        {
            return null;
        }

        name ??= Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        string[] paths = [configPath, .. weights.Paths];
        return new(directory, new ModelInputs(name, new ModelConfig(config), joined), files, paths);
    }

    private static MappedFile Map(string path)
    {
        try
        {
            return new(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(Catalogue.UnreadableFile.Create(new SourceSpan(path), "file", ModelText.Found(path, exception), "a file that can be read", Advice));
        }
    }

    private static EquatableArray<TensorInfo>? ReadHeader(MappedFile file, ICollection<ModelDiagnostic> diagnostics)
    {
        long length = file.Length < SafetensorsHeader.PrefixBytes ? 0 : BitConverter.ToInt64(file.Bytes(0, SafetensorsHeader.PrefixBytes));
        if (!SafetensorsHeader.CheckLength(file.FilePath, length, file.Length, diagnostics))
        {
            return null;
        }

        string header = ModelText.Decode(file.FilePath, file.Bytes(SafetensorsHeader.PrefixBytes, (int)length));
        List<ModelDiagnostic> found = [];
        EquatableArray<TensorInfo> tensors = SafetensorsHeader.Read(file.FilePath, header, length, file.Length, found);
        foreach (ModelDiagnostic diagnostic in found)
        {
            diagnostics.Add(diagnostic);
        }

        return found.HasErrors() ? null : tensors;
    }

    private static ModelException Missing(string path, string found, string expected)
        => new(Catalogue.UnreadableFile.Create(new SourceSpan(path), "model", found, expected, Advice));
}

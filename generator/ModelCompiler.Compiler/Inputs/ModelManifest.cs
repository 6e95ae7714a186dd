using System.Globalization;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Passes.Training;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// What the packing step tells the generator about a model, in a small JSON file: its tensors and the hashes that tie
/// emitted code to the packed weights. Holds plain file names, never paths, so that it is the same on every machine.
/// </summary>
/// <param name="Name">The model's name in the project file.</param>
/// <param name="Weights">Format of the packed matrices, such as <c>bf16</c>.</param>
/// <param name="Cache">Format of the key/value cache, such as <c>q8</c>.</param>
/// <param name="WeightsFile">File name of the packed weights.</param>
/// <param name="EmbeddedResource">The resource that holds the packed weights in the user's assembly; null: they stay a file.</param>
/// <param name="PlanHash">SHA-256 of the layout, lower-case hexadecimal.</param>
/// <param name="ContentHash">SHA-256 of the packed content, lower-case hexadecimal.</param>
/// <param name="Tensors">The published tensors, sorted by name; their files are plain names.</param>
/// <param name="TrainingContentHash">SHA-256 of the content that was packed for training, lower-case hexadecimal; null: none was.</param>
/// <param name="Adapter">The low-rank adapters that the class is compiled with; null: none.</param>
public sealed record ModelManifest(
    string Name, string Weights, string Cache, string WeightsFile, string? EmbeddedResource, string PlanHash, string ContentHash,
    EquatableArray<TensorInfo> Tensors, string? TrainingContentHash = null, AdapterOptions? Adapter = null)
{
    /// <summary>Version of this file format.</summary>
    public const int Version = 1;

    /// <summary>
    /// What training begins with; null when the model was not packed for it. It lies where the packed weights lie: beside the program, or in it. Where adapters
    /// are trained, it is the packed weights themselves.
    /// </summary>
    public TrainingWeights? TrainingWeights => Adapter is not null ? new(WeightsFile, EmbeddedResource, ContentHash)
        : TrainingContentHash is null ? null
        : new(TrainingFile(Name), EmbeddedResource is null ? null : TrainingFile(Name), TrainingContentHash);

    /// <summary>File name of the weights of a model that are packed for training.</summary>
    public static string TrainingFile(string name) => name + ".train.mcw";

    private const string Advice = "The build writes this file: delete it and build again.";
    private const int HashLength = 64;

    /// <summary>What the graph is built from, together with the model's config.</summary>
    public ModelInputs ToInputs(ModelConfig config) => new(Name, config, Tensors);

    /// <summary>The text of the file. Tensors are written by name; of their files' paths only the last part.</summary>
    public string Write()
    {
        JsonWriter json = new JsonWriter()
            .BeginObject()
            .Property("version", Version)
            .Property("name", Name)
            .Property("weights", Weights)
            .Property("cache", Cache)
            .Property("weightsFile", WeightsFile)
            .Property("embeddedResource", EmbeddedResource)
            .Property("planHash", PlanHash)
            .Property("contentHash", ContentHash)
            .Property("trainingContentHash", TrainingContentHash);
        if (Adapter is { } adapter)
        {
            json.Property("adapterRank", adapter.Rank)
                .Property("adapterAlpha", adapter.Alpha.ToString("R", CultureInfo.InvariantCulture))
                .Property("adapterTargets", string.Join(",", adapter.TargetModules));
        }

        json.BeginArray("tensors");
        foreach (TensorInfo tensor in Tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            json.BeginLine()
                .Property("name", tensor.Name)
                .Property("dtype", tensor.TypeName)
                .Property("shape", tensor.Shape)
                .Property("file", SafeName.LastPart(tensor.File))
                .Property("offset", tensor.OffsetBytes)
                .Property("length", tensor.LengthBytes)
                .EndObject();
        }

        return json.EndArray().EndObject().ToString();
    }

    /// <summary>Reads what <see cref="Write"/> wrote. Null after an error was reported.</summary>
    public static ModelManifest? Read(TextFile file, ICollection<ModelDiagnostic> diagnostics)
    {
        if (ConfigReader.Open(file, Advice, diagnostics) is not { } json)
        {
            return null;
        }

        int version = json.Size("version", 1, int.MaxValue);
        if (version != Version && !json.Failed)
        {
            json.Report(
                Catalogue.ManifestVersion, "version", $"{Version}",
                "Use the same version of the package in all projects, delete the file and build again.");
        }

        if (json.Failed)
        {
            return null;
        }

        List<TensorInfo> tensors = [.. json.Objects("tensors").Select(tensor => ReadTensor(tensor, diagnostics))];
        ModelManifest manifest = new(
            json.Text("name"),
            json.Text("weights"),
            json.Text("cache"),
            json.Text("weightsFile"),
            json.Has("embeddedResource") ? json.Text("embeddedResource") : null,
            Hash(json, "planHash"),
            Hash(json, "contentHash"),
            tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).ToEquatable(),
            json.Has("trainingContentHash") ? Hash(json, "trainingContentHash") : null,
            json.Has("adapterRank") ? ReadAdapter(json) : null);

        bool safe = !json.Failed
            && SafeName.CheckModel(manifest.Name, json.Where("name"), diagnostics)
            && SafeName.CheckFile(manifest.WeightsFile, json.Where("weightsFile"), diagnostics)
            && (manifest.EmbeddedResource is not { } resource || SafeName.CheckFile(resource, json.Where("embeddedResource"), diagnostics))
            && AreDistinct(json, tensors);
        return safe ? manifest : null;
    }

    private static AdapterOptions ReadAdapter(ConfigReader json)
    {
        int rank = json.Size("adapterRank", 1, int.MaxValue);
        if (!double.TryParse(json.Text("adapterAlpha"), NumberStyles.Float, CultureInfo.InvariantCulture, out double alpha) && !json.Failed)
        {
            json.Report(Catalogue.OutOfRange, "adapterAlpha", "a number", Advice);
        }

        return new AdapterOptions(rank, alpha, new(json.Text("adapterTargets").Split(',')));
    }

    private static TensorInfo ReadTensor(ConfigReader json, ICollection<ModelDiagnostic> diagnostics)
    {
        string type = json.Text("dtype");
        TensorInfo tensor = new(
            json.Text("name"), SafetensorsHeader.TypeOf(type), json.Integers("shape", 0, int.MaxValue, default),
            json.Text("file"), json.Bytes("offset"), json.Bytes("length")) { TypeName = SafetensorsHeader.Clean(type) };
        if (!json.Failed
            && (!SafeName.CheckTensor(tensor.Name, json.Where("name"), diagnostics)
                || !SafeName.CheckFile(tensor.File, json.Where("file"), diagnostics)))
        {
            json.Fail();
        }

        return tensor;
    }

    private static string Hash(ConfigReader json, string key)
    {
        string hash = json.Text(key);
        if (!json.Failed && (hash.Length != HashLength || !hash.All(c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'))))
        {
            json.Report(Catalogue.OutOfRange, key, $"{HashLength} digits 0-9 a-f", Advice);
        }

        return hash;
    }

    private static bool AreDistinct(ConfigReader json, List<TensorInfo> tensors)
    {
        if (tensors.GroupBy(tensor => tensor.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is not { } twice)
        {
            return true;
        }

        json.Report(Catalogue.ShardContent, "tensors", "each tensor once", Advice, $"'{twice.Key}' twice");
        return false;
    }
}

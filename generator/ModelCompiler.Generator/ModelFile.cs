using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Generator;

/// <summary>An additional file that the build marked as belonging to a model.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Role"><c>config</c> or <c>manifest</c>.</param>
/// <param name="Content">Path and text.</param>
internal sealed record ModelFile(string Model, string Role, TextFile Content)
{
    private const string Prefix = "build_metadata.AdditionalFiles.ModelCompiler";

    /// <summary>Role of config.json.</summary>
    public const string Config = "config";

    /// <summary>Role of the manifest that packing wrote.</summary>
    public const string Manifest = "manifest";

    /// <summary>Reads the file when the build marked it, once for each model that it belongs to (names with | between: two models of one folder share its config.json); nothing of all other additional files.</summary>
    public static IEnumerable<ModelFile> Read(AdditionalText file, AnalyzerConfigOptionsProvider options, CancellationToken cancellation)
    {
        AnalyzerConfigOptions metadata = options.GetOptions(file);
        if (!metadata.TryGetValue(Prefix + "Role", out string? role) || role.Length == 0
            || !metadata.TryGetValue(Prefix + "Name", out string? name)
            || file.GetText(cancellation) is not { } text)
        {
            return [];
        }

        TextFile content = new(file.Path, text.ToString());
        return name.Split('|').Select(model => new ModelFile(model, role, content));
    }
}

/// <summary>The two files of a model that the core reads.</summary>
internal sealed record ModelSources(TextFile Config, TextFile Manifest);

/// <summary>All model files of the project.</summary>
internal sealed record ModelFiles(EquatableArray<ModelFile> Files)
{
    /// <summary>From the collected pipeline.</summary>
    public static ModelFiles Of(ImmutableArray<ModelFile> files) => new(files.ToEquatable());

    /// <summary>The names that an attribute may use.</summary>
    public EquatableArray<string> Names => Files.Where(file => file.Role == ModelFile.Config).Select(file => file.Model)
        .OrderBy(name => name, StringComparer.Ordinal).ToEquatable();

    /// <summary>The models whose weights have been packed.</summary>
    public EquatableArray<string> PackedNames => Files.Where(file => file.Role == ModelFile.Manifest).Select(file => file.Model)
        .OrderBy(name => name, StringComparer.Ordinal).ToEquatable();

    /// <summary>The models whose weights have been packed once more for training.</summary>
    public EquatableArray<string> PackedForTraining => Packed(manifest => manifest.TrainingContentHash is not null);

    /// <summary>The packed models that training has nothing to begin with of.</summary>
    public EquatableArray<string> NotPackedForTraining => Packed(manifest => manifest.TrainingWeights is null);

    private EquatableArray<string> Packed(Func<ModelManifest, bool> holds)
        => Files.Where(file => file.Role == ModelFile.Manifest && ModelManifest.Read(file.Content, []) is { } manifest && holds(manifest)).Select(file => file.Model).ToEquatable();

    /// <summary>Both files of a model, or null.</summary>
    public ModelSources? Find(string model)
    {
        ModelFile? config = Files.FirstOrDefault(file => file.Model == model && file.Role == ModelFile.Config);
        ModelFile? manifest = Files.FirstOrDefault(file => file.Model == model && file.Role == ModelFile.Manifest);
        return config is null || manifest is null ? null : new(config.Content, manifest.Content);
    }
}

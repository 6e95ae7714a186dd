using System.Collections.Concurrent;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Tool.Synthesis;

[assembly: AssemblyFixture(typeof(ModelCompiler.EndToEnd.Tests.Conformance.ConformanceModels))]

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>Every model of the theory, made when a test first asks for it and then shared by all tests of the run.</summary>
public sealed class ConformanceModels : IDisposable
{
    /// <summary>Tokens of the longest comparison with the reference.</summary>
    internal const int LongestReference = 130;

    private readonly TemporaryFolder temporary = new();
    private readonly ConcurrentDictionary<string, Lazy<string>> folders = [];
    private readonly ConcurrentDictionary<(string, string, ModelFeatures), Lazy<EmittedModel>> models = [];

    /// <summary>All models in all formats of weights, and one for each turn that attention can take in all other formats of the cache; and one
    /// whose matrices have five formats, so that projections of one input part, and a value is read as integers and as floats.</summary>
    public static IEnumerable<(string Model, string Format)> Cases =>
    [
        .. from model in ConformanceConfigs.All.Keys from format in WeightFormat.All select (model, format.Name),
        .. from model in AttentionModels from cache in CacheFormat.All where cache.Name != "f32" select (model, $"f32+{cache.Name}"),
        ("llama-untied", "q4, *.q_proj.*=q8, *.k_proj.*=f32, *.down_proj.*=f16, lm_head.*=bf16"),
    ];

    /// <summary>Heads of a part of a panel, of whole panels and with a rest; each size of a group of queries; windows.</summary>
    private static string[] AttentionModels
        => ["gpt2-tied", "llama-head20", "qwen3-head24", "mistral-window8", "window70", "head64-group8", "head80-group7", "head128-group4", "head128-group1"];

    /// <inheritdoc/>
    public void Dispose() => temporary.Dispose();

    /// <summary>A synthetic model of <see cref="ConformanceConfigs"/>. Format: of the weights, and behind a + of the cache, where that is not f32.</summary>
    internal EmittedModel Get(string model, string format, ModelFeatures features = ModelFeatures.None)
        => models.GetOrAdd((model, format, features), _ => new(() => new EmittedModel(Folder(model), model, format, temporary.Path, features))).Value;

    /// <summary>A published model.</summary>
    internal EmittedModel Open(string folder, string format, ModelFeatures features = ModelFeatures.None)
        => models.GetOrAdd((folder, format, features), _ => new(() => new EmittedModel(folder, Path.GetFileName(folder), format, temporary.Path, features))).Value;

    private string Folder(string model) => folders.GetOrAdd(model, _ => new(() =>
    {
        string folder = temporary.File(model);
        SyntheticModel.Write(folder, ConformanceConfigs.All[model], new(TensorType.F32));
        return folder;
    })).Value;
}

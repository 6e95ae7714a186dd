using System.Reflection;
using System.Runtime.Loader;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Weights;
using ModelCompiler.Tool.Commands;

namespace ModelCompiler.Tool.Hosting;

/// <summary>
/// Runs any model folder without a project: packs, emits and compiles it by the very code that a build would use, and keeps the
/// result in the user's cache, so that the second run of a model starts without planning, packing or Roslyn. Packed weights and code
/// are entries of their own: one file serves every instruction set.
/// </summary>
/// <param name="directory">The published model.</param>
/// <param name="options">Formats of the packed matrices and of the key/value cache, and what the class can do besides: be traced, say.</param>
/// <param name="report">Begins a long piece of work: what, and how many bytes (0: unknown); returns who is told of progress.</param>
/// <param name="cancellation">Looked at between panels and files.</param>
/// <param name="adapter">An adapter of the model, or null.</param>
internal sealed class ModelHost(string directory, PlanOptions options, Func<string, long, IProgress<long>> report, CancellationToken cancellation, AdapterChoice? adapter = null)
{
    /// <summary>Name of any model here: a folder may be called what no file of ours can.</summary>
    public const string ModelName = "model";

    private const string Space = "ModelCompiler.Hosted";
    private const string ClassName = "HostedModel";
    private const string AssemblyFile = "model.dll";
    private const string WeightsFile = "model.mcw";
    private const string ManifestFile = "model.manifest.json";

    private readonly CacheFolder cache = CacheFolder.OfUser();

    /// <summary>A model ready to run; the caller disposes of it.</summary>
    /// <exception cref="ModelFindingsException">The model cannot be compiled.</exception>
    public HostedModel Load(LoadOptions loading)
    {
        if (!Directory.Exists(directory))
        {
            PlannedModel.Open(directory, ModelName, options).Dispose(); // says what is wrong
        }

        // Only what will run is emitted: the code of other instruction sets would be compiled to be thrown away.
        InstructionSet chosen = HostInstructionSet.Choose(loading.InstructionSet);
        string packed = Packed();
        string code = cache.GetOrAdd(CacheKey.Of(directory, options.Weights, $"{InstructionSets.Name(chosen)}, cache {options.Cache}, {options.Features}{Merged}{Applied}"), place => Compile(place, packed, chosen));
        using FileStream file = File.OpenRead(Path.Combine(code, AssemblyFile)); // read, not mapped: Windows removes no file that is
        Assembly assembly = new AssemblyLoadContext(ClassName).LoadFromStream(file);
        MethodInfo load = assembly.GetType($"{Space}.{ClassName}", throwOnError: true)!.GetMethod("Load", [typeof(LoadOptions)])
            ?? throw new InvalidOperationException("the emitted class has no Load(LoadOptions)");
        string weightsPath = Path.Combine(packed, WeightsFile);
        try
        {
            return new(load.CreateDelegate<Func<LoadOptions, CompiledModel>>()(loading with { WeightsPath = weightsPath, Adapter = adapter is { IsMerged: false } ? adapter.Folder : null }), weightsPath);
        }
        catch (WeightsFileException fault)
        {
            throw new HostedModelException(
                $"{weightsPath}: error MC324: {fault.Message} These weights lie in modelc's cache: 'modelc cache --clear' removes them, and the next run packs them again.");
        }
    }

    /// <summary>The packed weights, for whoever reads them and nothing else.</summary>
    public (string Path, ModelManifest Manifest) LoadPacked()
    {
        string packed = Packed();
        return (Path.Combine(packed, WeightsFile), ReadManifest(packed));
    }

    /// <summary>What a merged adapter adds to the key of everything that is made of the weights.</summary>
    private string Merged => adapter is { IsMerged: true } merged ? $", merged {merged.Identity}" : "";

    /// <summary>What an adapter that is computed beside the weights adds to the key of the code; the weights stay as they are.</summary>
    private string Applied => adapter is { IsMerged: false, Options: var applied } ? FormattableString.Invariant($", adapters {applied.Rank} {applied.Alpha} {string.Join(" ", applied.TargetModules)}") : "";

    private string Packed() => cache.GetOrAdd(CacheKey.Of(directory, options.Weights, "packed" + Merged), Pack);

    private void Pack(string place)
    {
        using PlannedModel model = PlannedModel.Open(directory, ModelName, options, adapter is { IsMerged: true } ? adapter : null);
        Faults.Print(model.Warnings);
        model.Pack(place, resource: null, training: false, report("packing", model.Plan.Weights.LengthBytes), cancellation);
    }

    private static ModelManifest ReadManifest(string packed)
    {
        List<ModelDiagnostic> diagnostics = [];
        string path = Path.Combine(packed, ManifestFile);
        return ModelManifest.Read(new TextFile(path, File.ReadAllText(path)), diagnostics) ?? throw new ModelFindingsException(diagnostics);
    }

    private void Compile(string place, string packed, InstructionSet chosen)
    {
        ModelManifest manifest = ReadManifest(packed);
        using PlannedModel model = PlannedModel.Open(directory, ModelName, options with { Adapter = adapter is { IsMerged: false } ? adapter.Options : null });
        report("compiling, which is kept for the next time", 0);
        EquatableArray<TargetSet> targets = new([Enum.Parse<TargetSet>(chosen.ToString())]);
        AssemblyCompiler.Compile(
            ClassName, model.Emit(manifest, Space, ClassName, "public sealed", targets, cancellation), Path.Combine(place, AssemblyFile), cancellation);
    }
}

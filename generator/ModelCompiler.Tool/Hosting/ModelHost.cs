using System.Reflection;
using System.Runtime.Loader;
using System.Security.Cryptography;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Tool.Hosting;

/// <summary>
/// Runs any model folder without a project: packs, emits and compiles it by the very code that a build would use, and keeps the
/// result in the user's cache, so that the second run of a model starts without planning, packing or Roslyn.
/// </summary>
internal static class ModelHost
{
    private const string Space = "ModelCompiler.Hosted";
    private const string ClassName = "HostedModel";
    private const string AssemblyFile = "model.dll";
    private const string WeightsFile = "model.mcw";
    private const string SealFile = "entry";

    /// <summary>What this processor has: the others' code would only be compiled to be thrown away.</summary>
    private static EquatableArray<TargetSet> Targets { get; } = Enum.GetValues<TargetSet>()
        .Where(target => InstructionSets.TryParse(target.ToString(), out InstructionSet set) && InstructionSets.IsSupported(set))
        .ToEquatable();

    /// <summary>A model ready to run; the caller disposes of it.</summary>
    /// <param name="directory">The published model.</param>
    /// <param name="weights">Format of the packed matrices.</param>
    /// <param name="options">How it is loaded; WeightsPath is set here.</param>
    /// <param name="report">Begins a long piece of work: what, and how many bytes; returns who is told of progress.</param>
    /// <param name="cancellation">Looked at between panels and files.</param>
    /// <exception cref="ModelFindingsException">The model cannot be compiled.</exception>
    public static CompiledModel Load(
        string directory, string weights, LoadOptions options, Func<string, long, IProgress<long>> report, CancellationToken cancellation)
    {
        if (!Directory.Exists(directory))
        {
            PlannedModel.Open(directory, name: null, weights).Dispose(); // says what is wrong
        }

        string entry = CacheFolder.OfUser().GetOrAdd(CacheKey.Of(directory, weights, string.Join(' ', Targets)), IsWhole, place => Fill(place, directory, weights, report, cancellation));
        Assembly assembly = new AssemblyLoadContext(ClassName).LoadFromAssemblyPath(Path.Combine(entry, AssemblyFile));
        MethodInfo load = assembly.GetType($"{Space}.{ClassName}", throwOnError: true)!.GetMethod("Load", [typeof(LoadOptions)])
            ?? throw new InvalidOperationException("the emitted class has no Load(LoadOptions)");
        return load.CreateDelegate<Func<LoadOptions, CompiledModel>>()(options with { WeightsPath = Path.Combine(entry, WeightsFile) });
    }

    private static void Fill(string place, string directory, string weights, Func<string, long, IProgress<long>> report, CancellationToken cancellation)
    {
        using PlannedModel model = PlannedModel.Open(directory, "model", weights);
        ModelManifest manifest = model.Pack(place, resource: null, report("packing", model.Plan.Weights.LengthBytes), cancellation);
        report("compiling", 0);
        EquatableArray<GeneratedFile> files = model.Emit(manifest, Space, ClassName, "public sealed", Targets, cancellation);
        AssemblyCompiler.Compile(ClassName, files, Path.Combine(place, AssemblyFile), cancellation);
        File.WriteAllText(Path.Combine(place, SealFile), Seal(place));
    }

    /// <summary>An entry that was cut off, edited or half deleted is made again.</summary>
    private static bool IsWhole(string place)
    {
        try
        {
            return File.ReadAllText(Path.Combine(place, SealFile)) == Seal(place);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The assembly's hash, and the length and header of the weights; their content is hashed only on request, whatever the model's size.</summary>
    private static string Seal(string place)
    {
        byte[] header = new byte[Runtime.Weights.WeightsHeader.LengthBytes];
        using FileStream packed = File.OpenRead(Path.Combine(place, WeightsFile));
        packed.ReadExactly(header);
        return $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(place, AssemblyFile))))} {packed.Length} {Convert.ToHexStringLower(header)}\n";
    }
}

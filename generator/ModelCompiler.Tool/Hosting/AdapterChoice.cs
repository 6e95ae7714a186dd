using System.Security.Cryptography;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Tool.Hosting;

/// <summary>A published adapter, to be computed beside the packed weights or merged into them.</summary>
internal sealed class AdapterChoice
{
    /// <exception cref="AdapterException">The folder has no adapter of a kind that we know.</exception>
    public AdapterChoice(string folder, bool merge)
    {
        Folder = folder;
        IsMerged = merge;
        AdapterSettings settings = AdapterFolder.ReadSettings(folder);
        Options = new AdapterOptions(settings.Rank, settings.Alpha, new([.. settings.TargetModules]));
    }

    /// <summary>The adapter.</summary>
    public string Folder { get; }

    /// <summary>Merged into the weights when they are packed.</summary>
    public bool IsMerged { get; }

    /// <summary>Its rank, alpha and targets.</summary>
    public AdapterOptions Options { get; }

    /// <summary>All that packing depends on, where it is merged.</summary>
    public string Identity => string.Join(
        " ", new[] { AdapterFolder.ConfigFile, AdapterFolder.TensorsFile }.Select(file => Path.Combine(Folder, file)).Where(path => File.Exists(path) && FilePlace.Other(path) is null).Select(path =>
        {
            using FileStream stream = File.OpenRead(path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }));

    /// <summary>The model with the adapter in its matrices.</summary>
    /// <exception cref="AdapterException">It is of another model.</exception>
    /// <exception cref="ArgumentException">A target fits no product.</exception>
    public IParameterSource Merge(IParameterSource published, ModelGraph graph) => new MergedParameters(published, graph, Options, new PublishedParameters(new Tensors(this, graph)));

    /// <summary>The adapter's tensors, in memory: they are small.</summary>
    private sealed class Tensors(AdapterChoice adapter, ModelGraph graph) : ITensorSource
    {
        private readonly IReadOnlyDictionary<string, float[]> numbers = AdapterFolder.ReadTensors(
            adapter.Folder, MergedParameters.AdapterTensors(graph, adapter.Options).Select(tensor => (tensor.Name, (IReadOnlyList<int>)[.. tensor.Shape])));

        public void Read(TensorInfo tensor, long first, Span<float> destination) => numbers[tensor.Name].AsSpan((int)first, destination.Length).CopyTo(destination);
    }
}

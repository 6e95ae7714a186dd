using System.Globalization;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Runtime.Adapters;

/// <summary>Which low-rank adapters (LoRA, arXiv 2106.09685) a model has: y = W x + (α/r) · B (A x), with A [r × inputs] and B [outputs × r].</summary>
/// <param name="Rank">r.</param>
/// <param name="Alpha">α.</param>
/// <param name="TargetModules">The modules that have one, by the last parts of their published names; * stands for any characters.</param>
public sealed record AdapterSettings(int Rank, double Alpha, IReadOnlyList<string> TargetModules)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"rank {Rank}, alpha {Alpha}, on {string.Join(", ", TargetModules)}");
}

/// <summary>The adapters that a class was compiled with: written by the compiler into the model's class, read by the runtime.</summary>
/// <param name="Settings">Rank, alpha and targets.</param>
/// <param name="LengthBytes">Bytes of their float32 memory.</param>
/// <param name="Tensors">Their published tensors, and where the numbers lie in it.</param>
public sealed record AdapterLayout(AdapterSettings Settings, long LengthBytes, IReadOnlyList<TrainingTensor> Tensors);

/// <summary>The packed weights that an adapter was trained over, or is to be computed beside.</summary>
/// <param name="Layout">Hash of their plan. Of weights in another format nothing can be told.</param>
/// <param name="Sample">Checksum of some of their numbers.</param>
internal sealed record AdapterBase(string Layout, string Sample)
{
    private const string LayoutKey = "base_layout";
    private const string SampleKey = "base_sample";

    /// <summary>As the header of adapter_model.safetensors holds it, where the PEFT library passes over it.</summary>
    public IReadOnlyDictionary<string, string> Metadata => new Dictionary<string, string> { [LayoutKey] = Layout, [SampleKey] = Sample };

    /// <exception cref="AdapterException">The file says that its adapter was trained over other weights of this very layout.</exception>
    public void RequireSame(string path, IReadOnlyDictionary<string, string> metadata)
    {
        if (metadata.GetValueOrDefault(LayoutKey) == Layout && metadata.GetValueOrDefault(SampleKey) is { } found && found != Sample)
        {
            throw new AdapterException(path, "the model that the adapter was trained over", $"weights with the checksum {found}", $"this model's, {Sample}: it is an adapter of another model of the same shape");
        }
    }
}

/// <summary>An adapter that cannot be used: of another model, rank or shape, damaged, or of a kind that changes more than two matrices beside a third. The message tells file, found and expected.</summary>
public sealed class AdapterException : IOException
{
    /// <summary>Made by whoever reads adapters.</summary>
    public AdapterException(string path, string what, string found, string expected, Exception? inner = null)
        : base($"{path}: {what}: found {found}, expected {expected}.", inner)
    {
        FilePath = path;
        Found = found;
        Expected = expected;
    }

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    /// <summary>What was expected instead.</summary>
    public string Expected { get; }
}

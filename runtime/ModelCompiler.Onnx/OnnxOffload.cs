using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Offload;

namespace ModelCompiler.Onnx;

/// <summary>
/// Runs a compiled model by ONNX Runtime, on a processor of the user's choice:
/// <code>using var model = StoryModel.Load(new() { Offload = new OnnxOffload("story.onnx") { Provider = "cuda" } });</code>
/// Sessions, sampling and text are used as ever. The file is what <c>modelc export</c> writes.
/// </summary>
/// <param name="ModelPath">The exported model; its weights, where they are a file of their own, beside it.</param>
public sealed record OnnxOffload(string ModelPath) : IOffload
{
    /// <summary>Name of the provider: one of <see cref="OnnxProvider.All"/>, which the program's native package must have.</summary>
    public string Provider { get; init; } = "cpu";

    /// <summary>Which device of that provider.</summary>
    public int DeviceId { get; init; }

    /// <summary>The provider's own options, by its names.</summary>
    public IReadOnlyDictionary<string, string> ProviderOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Configuration entries of ONNX Runtime's session, by its names, such as <see cref="AccuracyOfBlockProducts"/>.</summary>
    public IReadOnlyDictionary<string, string> SessionEntries { get; init; } = new Dictionary<string, string>();

    /// <summary>Name of the entry that says how products of 4- and 8-bit weights treat their inputs. "4", ONNX Runtime's default: as 8-bit integers; "1": as float32.</summary>
    public const string AccuracyOfBlockProducts = "session.qdq_matmulnbits_accuracy_level";

    /// <summary>Threads for what runs on the CPU. Null: ONNX Runtime's choice, one for each core.</summary>
    public int? Threads { get; init; }

    /// <summary>Most bytes of keys and values of one sequence. Null: as many as the device gives.</summary>
    public long? CacheLimitBytes { get; init; }

    /// <summary>Most tokens of a prompt in one run: what activations take grows with it.</summary>
    public int PromptChunk { get; init; } = 512;

    /// <inheritdoc/>
    public OffloadedWork Work { get; init; }

    /// <inheritdoc/>
    public bool FallBackToCpu { get; init; }

    /// <summary>ONNX Runtime writes what each node took, and which provider ran it, to a file of this name with the time behind it (.json), complete once the model is disposed. Null: nothing.</summary>
    public string? ProfilePrefix { get; init; }

    /// <summary>Lets ONNX Runtime write its warnings to standard error.</summary>
    public bool ShowWarnings { get; init; }

    /// <inheritdoc/>
    public IOffloadedModel Open(ModelDescription description)
    {
        OnnxModel model = OnnxModel.Open(this);
        try
        {
            model.Shape.ThrowIfNot(description, ModelPath);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <exception cref="ArgumentException">An option is out of its range, or the provider does not have it.</exception>
    internal void ThrowIfWrong(OnnxProvider provider)
    {
        void Least(string option, long? value, long least)
        {
            if (value < least)
            {
                throw new ArgumentOutOfRangeException(option, value, $"{nameof(OnnxOffload)}.{option}: found {value}, expected at least {least}.");
            }
        }

        Least(nameof(PromptChunk), PromptChunk, 1);
        Least(nameof(Threads), Threads, 1);
        Least(nameof(CacheLimitBytes), CacheLimitBytes, 1);
        Least(nameof(DeviceId), DeviceId, 0);
        if (DeviceId > 0 && !provider.HasDevices)
        {
            throw new ArgumentException($"{nameof(OnnxOffload)}.{nameof(DeviceId)}: found {DeviceId}, expected 0: provider '{provider.Name}' takes no number of a device.");
        }

        if (provider.HasDevices && ProviderOptions.ContainsKey("device_id"))
        {
            throw new ArgumentException($"{nameof(OnnxOffload)}.{nameof(ProviderOptions)}: found device_id, expected none: {nameof(DeviceId)} says which device.");
        }

        if (ProviderOptions.Count > 0 && !provider.HasOptions)
        {
            throw new ArgumentException($"{nameof(OnnxOffload)}.{nameof(ProviderOptions)}: found {string.Join(", ", ProviderOptions.Keys)}, expected none: provider '{provider.Name}' takes no options.");
        }
    }
}

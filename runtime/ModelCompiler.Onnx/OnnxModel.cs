using Microsoft.ML.OnnxRuntime;
using ModelCompiler.Runtime.Offload;

namespace ModelCompiler.Onnx;

/// <summary>An exported model, opened with a provider: the weights are on its device.</summary>
internal sealed class OnnxModel : IOffloadedModel
{
    /// <summary>The input that says of how many last tokens logits are computed.</summary>
    public const string LogitsToKeep = "num_logits_to_keep";

    private readonly OrtMemoryInfo? deviceMemory;

    private OnnxModel(OnnxOffload options, InferenceSession session, OnnxShape shape, OnnxProvider provider)
    {
        Options = options;
        Session = session;
        Shape = shape;
        ChoosesLogits = session.InputMetadata.ContainsKey(LogitsToKeep);
        if (provider.Allocator is not null && options.Work == OffloadedWork.Everything)
        {
            deviceMemory = new OrtMemoryInfo(provider.Allocator, OrtAllocatorType.DeviceAllocator, options.DeviceId, OrtMemType.Default);
            CacheMemory = new OrtAllocator(session, deviceMemory);
        }
    }

    public OnnxOffload Options { get; }

    public InferenceSession Session { get; }

    public OnnxShape Shape { get; }

    /// <summary>The file has that input; otherwise logits of all tokens are computed.</summary>
    public bool ChoosesLogits { get; }

    /// <summary>Where keys and values are: on the device, unless they are to be carried over.</summary>
    public OrtAllocator CacheMemory { get; } = OrtAllocator.DefaultInstance;

    /// <exception cref="OnnxLibraryException">The native library is missing or of another version.</exception>
    /// <exception cref="OnnxProviderException">The provider cannot be had.</exception>
    /// <exception cref="OnnxModelException">The file cannot be run.</exception>
    /// <exception cref="OnnxMemoryException">The weights do not fit.</exception>
    public static OnnxModel Open(OnnxOffload options)
    {
        OnnxProvider provider = OnnxProvider.Find(options.Provider);
        OrtEnv environment = OnnxLibrary.Environment();
        if (!environment.GetAvailableProviders().Contains(provider.RuntimeName))
        {
            throw new OnnxProviderException(
                $"provider '{provider.Name}': found a native library with {string.Join(", ", OnnxLibrary.Providers)}, expected one with {provider.RuntimeName}: reference another native package of ONNX Runtime {OnnxLibrary.ManagedVersion}.");
        }

        if (!File.Exists(options.ModelPath))
        {
            throw new OnnxModelException($"{options.ModelPath}: found no such file, expected a model that 'modelc export' wrote.");
        }

        using SessionOptions settings = Settings(options, provider);
        InferenceSession? session = null;
        try
        {
            session = new InferenceSession(options.ModelPath, settings);
            OnnxModel model = new(options, session, OnnxShape.Read(session.ModelMetadata.CustomMetadataMap, options.ModelPath), provider);
            session = null;
            return model;
        }
        catch (OnnxRuntimeException fault)
        {
            throw OnnxFaults.Opening(fault, options);
        }
        finally
        {
            session?.Dispose();
        }
    }

    /// <inheritdoc/>
    public IOffloadedSequence Begin() => new OnnxSequence(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (deviceMemory is not null)
        {
            CacheMemory.Dispose();
            deviceMemory.Dispose();
        }

        Session.Dispose();
    }

    private static SessionOptions Settings(OnnxOffload options, OnnxProvider provider)
    {
        // What goes wrong is thrown; said once.
        SessionOptions settings = new() { LogSeverityLevel = options.ShowWarnings ? OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING : OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        try
        {
            if (options.Threads is int threads)
            {
                settings.IntraOpNumThreads = threads;
            }

            foreach ((string name, string value) in options.SessionEntries)
            {
                settings.AddSessionConfigEntry(name, value);
            }

            provider.Append(settings, options.DeviceId, options.ProviderOptions);
            return settings;
        }
        catch (Exception fault) when (fault is OnnxRuntimeException or DllNotFoundException or EntryPointNotFoundException)
        {
            settings.Dispose();
            throw OnnxFaults.Choosing(fault, options);
        }
    }
}

using Microsoft.ML.OnnxRuntime;
using ModelCompiler.Runtime.Offload;

namespace ModelCompiler.Onnx;

/// <summary>
/// An exported model, opened with a provider: the weights are on its device. Device memory must be freed before its allocator and its session, else the process ends: so the model
/// knows the caches of its sequences and frees what is left of them first, disposed or forgotten.
/// </summary>
internal sealed class OnnxModel : IOffloadedModel
{
    /// <summary>The input that says of how many last tokens logits are computed.</summary>
    public const string LogitsToKeep = "num_logits_to_keep";

    private static readonly Lock Appending = new();

    private readonly Lock gate = new();
    private readonly HashSet<OnnxCache> caches = [];
    private readonly List<OnnxCache> leftBehind = [];
    private readonly OrtMemoryInfo? deviceMemory;
    private bool isRunning;
    private bool disposed;

    private OnnxModel(OnnxOffload options, InferenceSession session, OnnxShape shape, bool choosesLogits, OrtMemoryInfo? deviceMemory, OrtAllocator? deviceAllocator)
    {
        Options = options;
        Session = session;
        Shape = shape;
        ChoosesLogits = choosesLogits;
        this.deviceMemory = deviceMemory;
        CacheMemory = deviceAllocator ?? OrtAllocator.DefaultInstance;
        GC.SuppressFinalize(session); // its finalizer knows no order; that of this class does
    }

    /// <summary>Frees a forgotten model's memory in the order that it must have.</summary>
    ~OnnxModel() => Release();

    public OnnxOffload Options { get; }

    public InferenceSession Session { get; }

    public OnnxShape Shape { get; }

    /// <summary>The file has that input; otherwise logits of all tokens are computed.</summary>
    public bool ChoosesLogits { get; }

    /// <summary>Where keys and values are: on the device, unless they are to be carried over.</summary>
    public OrtAllocator CacheMemory { get; }

    /// <exception cref="OnnxLibraryException">The native library is missing or of another version.</exception>
    /// <exception cref="OnnxProviderException">The provider cannot be had.</exception>
    /// <exception cref="OnnxModelException">The file cannot be run.</exception>
    /// <exception cref="OnnxMemoryException">The weights do not fit.</exception>
    /// <exception cref="ArgumentException">An option is out of its range, or the provider does not have it.</exception>
    public static OnnxModel Open(OnnxOffload options)
    {
        OnnxProvider provider = OnnxProvider.Find(options.Provider);
        options.ThrowIfWrong(provider);
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

        using SessionOptions settings = Settings(environment, options, provider);
        InferenceSession? session = null;
        OrtMemoryInfo? memory = null;
        OrtAllocator? allocator = null;
        try
        {
            session = new InferenceSession(options.ModelPath, settings);
            OnnxShape shape = OnnxShape.Read(session.ModelMetadata.CustomMetadataMap, options.ModelPath);
            bool choosesLogits = session.InputMetadata.ContainsKey(LogitsToKeep);
            if (provider.Allocator is not null && options.Work == OffloadedWork.Everything)
            {
                memory = new OrtMemoryInfo(provider.Allocator, OrtAllocatorType.DeviceAllocator, options.DeviceId, OrtMemType.Default);
                allocator = new OrtAllocator(session, memory);
            }

            OnnxModel model = new(options, session, shape, choosesLogits, memory, allocator);
            (session, memory, allocator) = (null, null, null); // the model's from here on
            return model;
        }
        catch (OnnxRuntimeException fault)
        {
            throw OnnxFaults.Opening(fault, options);
        }
        finally
        {
            allocator?.Dispose();
            memory?.Dispose();
            session?.Dispose();
        }
    }

    /// <inheritdoc/>
    public IOffloadedSequence Begin() => new OnnxSequence(this);

    /// <summary>Keys and values of a sequence: so many positions.</summary>
    /// <exception cref="OnnxRuntimeException">The device has not so much memory.</exception>
    public OnnxCache AllocateCache(int capacity)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            OnnxCache cache = new(this, capacity);
            caches.Add(cache);
            return cache;
        }
    }

    /// <summary>Frees a cache, unless the model freed it. While a run is on, devices are not asked for anything else: then it goes when that is done.</summary>
    public void Free(OnnxCache? cache)
    {
        lock (gate)
        {
            if (cache is null || !caches.Remove(cache))
            {
                return;
            }

            if (isRunning)
            {
                leftBehind.Add(cache);
            }
            else
            {
                cache.Dispose();
            }
        }
    }

    /// <summary>Carries out a run, and frees what was left behind meanwhile. Runs follow one another: a model is used by one thread at a time.</summary>
    public void Run(Action run)
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            isRunning = true;
        }

        try
        {
            run();
        }
        finally
        {
            lock (gate)
            {
                isRunning = false;
                FreeLeftBehind();
                if (disposed)
                {
                    ReleaseSession();
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
            leftBehind.AddRange(caches);
            caches.Clear();
            if (!isRunning) // otherwise the run does, when it ends
            {
                FreeLeftBehind();
                ReleaseSession();
            }
        }
    }

    private void ReleaseSession()
    {
        if (deviceMemory is not null)
        {
            CacheMemory.Dispose();
            deviceMemory.Dispose();
        }

        Session.Dispose();
    }

    private void FreeLeftBehind()
    {
        foreach (OnnxCache cache in leftBehind)
        {
            cache.Dispose();
        }

        leftBehind.Clear();
    }

    private static SessionOptions Settings(OrtEnv environment, OnnxOffload options, OnnxProvider provider)
    {
        // What goes wrong is thrown; said once.
        SessionOptions settings = new() { LogSeverityLevel = options.ShowWarnings ? OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING : OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        try
        {
            if (options.Threads is int threads)
            {
                settings.IntraOpNumThreads = threads;
            }

            if (options.ProfilePrefix is { } prefix)
            {
                settings.ProfileOutputPathPrefix = prefix;
                settings.EnableProfiling = true;
            }

            foreach ((string name, string value) in options.SessionEntries)
            {
                settings.AddSessionConfigEntry(name, value);
            }

            Append(environment, provider, settings, options);
            return settings;
        }
        catch (Exception fault) when (fault is OnnxRuntimeException or DllNotFoundException or EntryPointNotFoundException)
        {
            settings.Dispose();
            throw OnnxFaults.Choosing(fault, options);
        }
    }

    /// <summary>What a provider finds wrong with itself it throws, and writes to the process's log besides: said once. That log is quiet meanwhile; one opening at a time, so that it ends as it was.</summary>
    private static void Append(OrtEnv environment, OnnxProvider provider, SessionOptions settings, OnnxOffload options)
    {
        lock (Appending)
        {
            OrtLoggingLevel level = environment.EnvLogLevel;
            environment.EnvLogLevel = settings.LogSeverityLevel;
            try
            {
                provider.Append(settings, options.DeviceId, options.ProviderOptions);
            }
            finally
            {
                environment.EnvLogLevel = level;
            }
        }
    }
}

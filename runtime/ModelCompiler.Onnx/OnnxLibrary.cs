using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace ModelCompiler.Onnx;

/// <summary>
/// ONNX Runtime's native library: that of the native package that the program references, or a file that is named here before the first use.
/// </summary>
public static class OnnxLibrary
{
    private static readonly Lock Gate = new();
    private static string? chosen;
    private static bool used;

    /// <summary>Takes the native library from a file: a build with another provider, put there by hand.</summary>
    /// <param name="path">Such as <c>/opt/onnxruntime-gpu/lib/libonnxruntime.so</c>.</param>
    /// <exception cref="OnnxLibraryException">There is no such file, it is another library or an older version, and nothing was chosen; or another one is in use already.</exception>
    public static void Use(string path)
    {
        lock (Gate)
        {
            string full = Path.GetFullPath(path);
            if (full == chosen)
            {
                return;
            }

            if (used || chosen is not null)
            {
                throw new OnnxLibraryException($"ONNX Runtime's native library: found that {(chosen is null ? "it was used" : $"'{chosen}' was taken")} already, expected to take '{full}' before the first use.");
            }

            // Looked at before it is chosen: .NET remembers for the whole process which library it took, and that it did not fit.
            nint library = NativeOnnxLibrary.Load(full, ManagedVersion);
            OrtEnv.DisableDllImportResolver = true;
            NativeLibrary.SetDllImportResolver(typeof(OrtEnv).Assembly, (name, _, _)
                => name.StartsWith("onnxruntime", StringComparison.Ordinal) && !name.Contains("extensions", StringComparison.Ordinal) ? library : 0);
            chosen = full;
        }
    }

    /// <summary>Version of the managed library, which the native one must have too.</summary>
    public static string ManagedVersion
        => typeof(OrtEnv).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+', '-')[0]
            ?? typeof(OrtEnv).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>Version of the native library.</summary>
    /// <exception cref="OnnxLibraryException">It is not there, or does not fit.</exception>
    public static string Version => Environment().GetVersionString();

    /// <summary>Names of the providers that the native library has, as <see cref="OnnxProvider.Name"/> where they have one.</summary>
    /// <exception cref="OnnxLibraryException">It is not there, or does not fit.</exception>
    public static IReadOnlyList<string> Providers
        => [.. Environment().GetAvailableProviders().Select(name => OnnxProvider.All.FirstOrDefault(known => known.RuntimeName == name)?.Name ?? name)];

    /// <summary>The process's environment of ONNX Runtime.</summary>
    internal static OrtEnv Environment()
    {
        lock (Gate)
        {
            used = true;
            try
            {
                return OrtEnv.Instance();
            }
            catch (Exception fault) when (IsLoading(fault))
            {
                throw new OnnxLibraryException(Describe(fault), fault);
            }
        }
    }

    private static bool IsLoading(Exception fault)
        => fault is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException or TypeInitializationException or OnnxRuntimeException
            or ArgumentNullException or NullReferenceException;

    private static string Describe(Exception fault)
    {
        Exception cause = fault;
        while (cause.InnerException is { } inner)
        {
            cause = inner;
        }

        string where = chosen is null ? "" : $" in '{chosen}'";
        return cause is DllNotFoundException or BadImageFormatException
            ? $"ONNX Runtime's native library{where}: found none that loads, expected version {ManagedVersion}: reference the package Microsoft.ML.OnnxRuntime (CPU), or another native one, in the project; a build takes the file that its property ModelCompilerOnnxRuntime names, modelc the one that --library names."
            : $"ONNX Runtime's native library{where}: found another version than {ManagedVersion} ({cause.GetType().Name}), expected that one: let the native package have the version of Microsoft.ML.OnnxRuntime.Managed.";
    }
}

using System.Globalization;
using System.Runtime.InteropServices;

namespace ModelCompiler.Onnx;

/// <summary>Looks at a file that is to be ONNX Runtime's native library.</summary>
internal static unsafe class NativeOnnxLibrary
{
    private const string What = "ONNX Runtime's native library";

    /// <summary>Its handle.</summary>
    /// <exception cref="OnnxLibraryException">It is not there, is another library, or has not the functions that the managed one asks for, which are numbered by its release.</exception>
    public static nint Load(string path, string managedVersion)
    {
        if (!File.Exists(path))
        {
            throw new OnnxLibraryException($"{What}: found no file '{path}', expected libonnxruntime of version {managedVersion}.");
        }

        nint library;
        try
        {
            library = NativeLibrary.Load(path);
        }
        catch (Exception fault) when (fault is DllNotFoundException or BadImageFormatException)
        {
            throw new OnnxLibraryException($"{What}: found '{path}', which does not load ({Reason(fault.Message)}), expected libonnxruntime of version {managedVersion} for this system, and what it needs.", fault);
        }

        if (!NativeLibrary.TryGetExport(library, "OrtGetApiBase", out nint function))
        {
            NativeLibrary.Free(library);
            throw new OnnxLibraryException($"{What}: found '{path}', which has no function OrtGetApiBase, expected libonnxruntime of version {managedVersion}.");
        }

        ApiBase* api = ((delegate* unmanaged<ApiBase*>)function)();
        if (api->GetApi(Release(managedVersion)) is null)
        {
            string? found = Marshal.PtrToStringUTF8(api->GetVersionString());
            NativeLibrary.Free(library);
            throw new OnnxLibraryException($"{What}: found '{path}' of version {found}, expected {managedVersion}, that of Microsoft.ML.OnnxRuntime.Managed.");
        }

        return library;
    }

    /// <summary>The second number of a version; 1 where there is none.</summary>
    private static uint Release(string version)
        => version.Split('.') is [_, var release, ..] && uint.TryParse(release, NumberStyles.None, CultureInfo.InvariantCulture, out uint number) ? number : 1;

    /// <summary>What the system said: on Linux and macOS .NET puts its advice to programmers before it, on lines of their own.</summary>
    private static string Reason(string message) => message.Trim().Split('\n')[^1].Trim();

    /// <summary>OrtApiBase of onnxruntime_c_api.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ApiBase
    {
        public readonly delegate* unmanaged<uint, void*> GetApi;
        public readonly delegate* unmanaged<nint> GetVersionString;
    }
}

using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace ModelCompiler.Debugger;

/// <summary>The engine of every debugger of managed code: libmscordbi.so of the runtime that the program runs on. What dbgshim does with it is done here.</summary>
internal static unsafe class DebuggingEngine
{
    private const int DebuggerVersion = 4; // CorDebugVersion_4_0
    private const int ProcessAttach = 1; // DLL_PROCESS_ATTACH

    /// <summary>An engine for that process, initialised.</summary>
    /// <exception cref="NotPermittedException">This system does not let the process's memory be read.</exception>
    public static ICorDebug For(Debuggee debuggee)
    {
        string mapping = File.ReadLines($"/proc/{debuggee.Id}/maps").First(line => line.EndsWith("/libcoreclr.so", StringComparison.Ordinal));
        nint runtime = nint.Parse(mapping.AsSpan(0, mapping.IndexOf('-')), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        RequireReadable(debuggee.Id, runtime);

        nint library = NativeLibrary.Load(Path.Combine(Path.GetDirectoryName(mapping[mapping.IndexOf('/')..])!, "libmscordbi.so"));
        // Its layer over the system begins here, as on Windows; nobody else calls it.
        ((delegate* unmanaged<nint, int, nint, int>)NativeLibrary.GetExport(library, "DllMain"))(library, ProcessAttach, 0);
        nint unknown;
        var create = (delegate* unmanaged<int, int, char*, char*, nint, nint*, int>)NativeLibrary.GetExport(library, "CoreCLRCreateCordbObject3");
        Marshal.ThrowExceptionForHR(create(DebuggerVersion, debuggee.Id, null, null, runtime, &unknown));
        ICorDebug engine = (ICorDebug)new StrategyBasedComWrappers().GetOrCreateObjectForComInstance(unknown, CreateObjectFlags.None);
        Marshal.Release(unknown);
        engine.Initialize();
        return engine;
    }

    /// <summary>The engine reads the program's memory; where a sandbox forbids it, that is said in time.</summary>
    private static void RequireReadable(int id, nint address)
    {
        try
        {
            using FileStream memory = File.OpenRead($"/proc/{id}/mem");
            byte[] bytes = new byte[4];
            if (RandomAccess.Read(memory.SafeFileHandle, bytes, address) == bytes.Length)
            {
                return;
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new NotPermittedException(id, fault);
        }

        throw new NotPermittedException(id);
    }
}

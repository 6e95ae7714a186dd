using System.Diagnostics;

namespace ModelCompiler.Tool.Measurement;

/// <summary>Memory of this process that lay in the machine's memory, mapped files included.</summary>
internal static class ResidentMemory
{
    /// <summary>The most so far, in bytes: VmHWM on Linux; 0 where the system does not tell.</summary>
    public static long PeakBytes
    {
        get
        {
            using Process process = Process.GetCurrentProcess();
            return process.PeakWorkingSet64;
        }
    }
}

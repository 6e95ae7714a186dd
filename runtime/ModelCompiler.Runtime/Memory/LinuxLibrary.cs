using System.Runtime.InteropServices;

namespace ModelCompiler.Runtime.Memory;

/// <summary>How Linux's C library is named where a function of it is called that .NET has no name for.</summary>
internal static class LinuxLibrary
{
    /// <summary>
    /// Its whole name, which the loader knows already (musl's, too, whose file is called otherwise): for "libc" .NET asks it for three names in all its folders, 150 system calls
    /// and 0.15 ms of a start.
    /// </summary>
    public const string C = "libc.so.6";

    /// <summary>Not beside the assembly. (The JIT's host tries its own folders first, whatever is said here.)</summary>
    public const DllImportSearchPath Paths = DllImportSearchPath.System32;
}

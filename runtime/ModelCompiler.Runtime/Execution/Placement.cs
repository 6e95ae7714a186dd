using System.Runtime.InteropServices;
using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// Moves a fresh thread away from the processor of who started it. Linux was seen to put it there in two of three starts, as the other sleeps until it runs; from then on both spin and yield, on one
/// processor, until the scheduler looks again, milliseconds later: as long as a small model takes to its first token. Where a thread may run stays as it was.
/// </summary>
internal static unsafe partial class Placement
{
    private const int MaskBytes = 1024 / 8; // cpu_set_t; a system with more processors refuses, and nothing is moved

    /// <summary>The processor that the caller is on, or −1 where that is not known.</summary>
    public static int Processor()
    {
        try
        {
            return OperatingSystem.IsLinux() ? CurrentProcessor() : -1;
        }
        catch (Exception fault) when (fault is EntryPointNotFoundException or DllNotFoundException)
        {
            return -1;
        }
    }

    /// <summary>Moves the caller to another processor, if it is on this one and may be on others.</summary>
    public static void Leave(int processor)
    {
        if (processor < 0 || processor >= MaskBytes * 8 || Processor() != processor)
        {
            return;
        }

        ulong* mask = stackalloc ulong[MaskBytes / sizeof(ulong)];
        new Span<byte>(mask, MaskBytes).Clear();
        if (GetAffinity(0, MaskBytes, mask) != 0)
        {
            return;
        }

        ulong bit = 1UL << (processor % 64);
        mask[processor / 64] &= ~bit;
        if (SetAffinity(0, MaskBytes, mask) == 0) // refused where no other is left
        {
            mask[processor / 64] |= bit;
            _ = SetAffinity(0, MaskBytes, mask);
        }
    }

    [LibraryImport(LinuxLibrary.C, EntryPoint = "sched_getcpu")]
    [DefaultDllImportSearchPaths(LinuxLibrary.Paths)]
    private static partial int CurrentProcessor();

    [LibraryImport(LinuxLibrary.C, EntryPoint = "sched_getaffinity")]
    [DefaultDllImportSearchPaths(LinuxLibrary.Paths)]
    private static partial int GetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport(LinuxLibrary.C, EntryPoint = "sched_setaffinity")]
    [DefaultDllImportSearchPaths(LinuxLibrary.Paths)]
    private static partial int SetAffinity(int thread, nuint bytes, ulong* mask);
}

namespace ModelCompiler.Runtime.Execution;

/// <summary>How many threads a model takes when nobody says.</summary>
internal static class ProcessorCores
{
    /// <summary>
    /// Processors that this process may use, halved where two of them share a core (two streams of multiply-adds gain nothing there),
    /// at most <see cref="WorkerPool.MaxThreads"/>. Only Linux tells cheaply; elsewhere every processor counts as a core.
    /// </summary>
    public static int Count
    {
        get
        {
            int processors = Environment.ProcessorCount;

            // A process held to a few processors (a container's quota) most likely gets them on different cores.
            return Math.Min(processors >= 4 && SharesCores() ? processors / 2 : processors, WorkerPool.MaxThreads);
        }
    }

    private static bool SharesCores()
    {
        const string Path = "/sys/devices/system/cpu/smt/active";
        try
        {
            return OperatingSystem.IsLinux() && File.Exists(Path) && File.ReadAllText(Path).Trim() == "1";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

using ModelCompiler.Tool.Commands;

namespace ModelCompiler.Tool.Hosting;

/// <summary>Stands in for a cache folder that cannot be written: one folder for the whole process, gone when it ends.</summary>
internal static class TemporaryCache
{
    private static CacheFolder? made;

    /// <summary>Whether another folder helps: a full disk is to be told.</summary>
    public static bool Helps(CacheFolder cache, Exception fault)
        => cache != made && (fault is UnauthorizedAccessException || (fault is IOException disk && !DiskFaults.IsFull(disk)));

    /// <summary>The folder that is used instead; the first call makes it and says so.</summary>
    /// <exception cref="IOException">There cannot be one either.</exception>
    public static CacheFolder InsteadOf(CacheFolder cache, Exception fault)
    {
        if (made is null)
        {
            string found = $"the cache folder '{cache.Root}': found one that cannot be written ({fault.Message.TrimEnd('.')}), expected a folder for compiled models";
            made = Make(found);
            Output.Tell(
                $"modelc: warning MC321: {found}: this time they lie in '{made.Root}', which is removed at the end, unless modelc is killed. Set {CacheFolder.EnvironmentVariable} to a folder that keeps them.");
        }

        return made;
    }

    private static CacheFolder Make(string found)
    {
        try
        {
            CacheFolder folder = new(Directory.CreateTempSubdirectory("modelc-").FullName);
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove(folder); // nothing has its files open by then
            return folder;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{found}; nor can the temporary one ({Path.GetTempPath()}). Set {CacheFolder.EnvironmentVariable} to one.", fault);
        }
    }

    /// <summary>Takes the folder away, where it can be.</summary>
    internal static void Remove(CacheFolder folder)
    {
        try
        {
            Directory.Delete(folder.Root, recursive: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Gone already, or kept by somebody else: what was asked for is done, and here a fault would end the process as a crash.
        }
    }
}

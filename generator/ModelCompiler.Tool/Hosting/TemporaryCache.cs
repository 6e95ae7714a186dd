using ModelCompiler.Tool.Commands;

namespace ModelCompiler.Tool.Hosting;

/// <summary>Stands in for a cache folder that cannot be written: one folder for the whole process, gone when it ends.</summary>
internal static class TemporaryCache
{
    private static CacheFolder? made;

    /// <summary>True for what may be wrong with the folder itself; on a full disk another folder would only be filled too.</summary>
    public static bool Helps(Exception fault) => fault is UnauthorizedAccessException || (fault is IOException disk && !DiskFaults.IsFull(disk));

    /// <summary>The folder that is used instead; the first call makes it and says so.</summary>
    /// <exception cref="IOException">There cannot be one either.</exception>
    public static CacheFolder InsteadOf(CacheFolder cache, Exception fault)
    {
        if (made is null)
        {
            string found = $"the cache folder '{cache.Root}': found one that cannot be written ({fault.Message.TrimEnd('.')}), expected a folder for compiled models";
            made = Make(found);
            Console.Error.WriteLine(
                $"modelc: warning MC321: {found}: this time they lie in '{made.Root}', which is removed at the end. Set {CacheFolder.EnvironmentVariable} to a folder that keeps them.");
        }

        return made;
    }

    private static CacheFolder Make(string found)
    {
        try
        {
            return new(Directory.CreateTempSubdirectory("modelc-").FullName);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{found}; nor can the temporary one ({Path.GetTempPath()}). Set {CacheFolder.EnvironmentVariable} to one.", fault);
        }
    }

    /// <summary>Removes it, where there is one. Nothing may have its files open any more.</summary>
    public static void Remove()
    {
        if (made is not null)
        {
            Directory.Delete(made.Root, recursive: true);
            made = null;
        }
    }
}

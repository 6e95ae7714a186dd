namespace ModelCompiler.Tool.Hosting;

/// <summary>
/// Where modelc keeps what it compiled: one folder for each key, filled beside its place and renamed into it, so that an entry is
/// whole or absent, also when several processes make it at once.
/// </summary>
internal sealed class CacheFolder(string root)
{
    /// <summary>Environment variable that names another place.</summary>
    public const string EnvironmentVariable = "MODELCOMPILER_CACHE";

    private static readonly TimeSpan StaleAfter = TimeSpan.FromDays(1);

    /// <summary>Full path.</summary>
    public string Root { get; } = Path.GetFullPath(root);

    /// <summary>The user's: <c>MODELCOMPILER_CACHE</c>, or <c>modelcompiler</c> in the system's cache folder.</summary>
    public static CacheFolder OfUser()
    {
        string? chosen = Environment.GetEnvironmentVariable(EnvironmentVariable);
        return new(string.IsNullOrEmpty(chosen) ? Path.Combine(SystemCache(), "modelcompiler") : chosen);
    }

    /// <summary>
    /// The entry's folder, made by <paramref name="fill"/> when it is absent or damaged. When processes fill the same entry, the
    /// first to finish wins and the other takes its result. Where this folder cannot be written, the entry lies in the <see cref="TemporaryCache"/>.
    /// </summary>
    public string GetOrAdd(string key, Action<string> fill)
    {
        string place = Path.Combine(Root, key), beside;
        if (EntrySeal.IsIntact(place))
        {
            return place;
        }

        try
        {
            beside = Begin(place);
        }
        catch (Exception fault) when (TemporaryCache.Helps(this, fault))
        {
            return TemporaryCache.InsteadOf(this, fault).GetOrAdd(key, fill);
        }

        try
        {
            fill(beside);
            EntrySeal.Write(beside);
            Publish(beside, place);
            return place;
        }
        finally
        {
            if (Directory.Exists(beside))
            {
                Directory.Delete(beside, recursive: true);
            }
        }
    }

    /// <summary>Entries now, whole ones and what processes are filling or left half filled.</summary>
    public IReadOnlyList<DirectoryInfo> Entries()
        => Directory.Exists(Root) ? [.. new DirectoryInfo(Root).EnumerateDirectories().Where(IsEntry)] : [];

    /// <summary>Takes an entry away. A program that has its files open keeps them.</summary>
    public static void Remove(string place)
    {
        string aside = $"{place}.{Guid.NewGuid():n}.tmp";
        try
        {
            Directory.Move(place, aside);
            Directory.Delete(aside, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Another process took it away first.
        }
    }

    /// <summary>Nobody's files but ours are counted or removed, should the folder be shared.</summary>
    private static bool IsEntry(DirectoryInfo folder)
        => folder.Name.Length >= CacheKey.Length && folder.Name[..CacheKey.Length].All(char.IsAsciiHexDigitLower)
            && (folder.Name.Length == CacheKey.Length || folder.Name.EndsWith(".tmp", StringComparison.Ordinal));

    /// <summary>Makes the folder that is filled beside the place, which is empty from then on.</summary>
    private string Begin(string place)
    {
        if (Directory.Exists(place))
        {
            Remove(place);
        }

        Directory.CreateDirectory(Root);
        RemoveStale();
        return Directory.CreateDirectory($"{place}.{Guid.NewGuid():n}.tmp").FullName;
    }

    private static void Publish(string beside, string place)
    {
        try
        {
            Directory.Move(beside, place);
        }
        catch (IOException) when (Directory.Exists(place) && EntrySeal.IsIntact(place))
        {
            // Another process was faster; its entry has the same content.
        }
    }

    private void RemoveStale()
    {
        foreach (string left in Directory.EnumerateDirectories(Root, "*.tmp"))
        {
            try
            {
                if (DateTime.UtcNow - Directory.GetLastWriteTimeUtc(left) > StaleAfter)
                {
                    Directory.Delete(left, recursive: true);
                }
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // What a killed process left is in nobody's way.
            }
        }
    }

    private static string SystemCache()
    {
        if (OperatingSystem.IsWindows())
        {
            return Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
        }

        // The XDG base directory specification: a relative path is to be ignored.
        string? xdg = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        return !string.IsNullOrEmpty(xdg) && Path.IsPathRooted(xdg)
            ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), OperatingSystem.IsMacOS() ? "Library/Caches" : ".cache");
    }
}

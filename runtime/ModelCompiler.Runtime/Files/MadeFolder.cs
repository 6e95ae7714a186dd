namespace ModelCompiler.Runtime.Files;

/// <summary>
/// A folder to write into: made where there is none, with those above it; what is still empty of them in the end, because the work failed or was interrupted, goes again.
/// <para>Nobody else is asked: when another one counts on the folder too, whether he found it there or made it at the same time, and nothing lies in it yet, it goes from under him, and his next
/// file fails with <see cref="DirectoryNotFoundException"/>. What lies in it stays.</para>
/// </summary>
internal sealed class MadeFolder : IDisposable
{
    private readonly List<string> made = [];

    /// <exception cref="IOException">A file has its place, or that of a folder above it.</exception>
    public MadeFolder(string path)
    {
        for (string? folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)); folder is not null && !Directory.Exists(folder); folder = Path.GetDirectoryName(folder))
        {
            made.Add(folder);
        }

        try
        {
            Directory.CreateDirectory(path);
        }
        catch
        {
            Dispose(); // it may have made some of those above
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            made.Where(Directory.Exists).ToList().ForEach(Directory.Delete); // the innermost first
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Something lies in it, which is why it was made.
        }
    }
}

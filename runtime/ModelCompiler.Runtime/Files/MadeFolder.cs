namespace ModelCompiler.Runtime.Files;

/// <summary>A folder to write into: made where there is none, with those above it; what is still empty of them in the end, because the work failed or was interrupted, goes again.</summary>
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

        Directory.CreateDirectory(path);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            made.ForEach(Directory.Delete); // the innermost first
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Something lies in it, which is why it was made.
        }
    }
}

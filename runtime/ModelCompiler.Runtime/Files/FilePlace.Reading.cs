namespace ModelCompiler.Runtime.Files;

// Where a file is to be read: whoever opens a pipe waits for its other end, and a device may have no end.
internal static unsafe partial class FilePlace
{
    /// <summary>What lies where the path leads in place of a file, for the middle of a sentence; null: a file, or nothing. Pipes, devices and sockets are told apart on Linux.</summary>
    public static string? Other(string path) => Directory.Exists(path) ? "a folder" : OperatingSystem.IsLinux() ? KindOnLinux(path) : null;

    /// <summary>Asks for a file before it is opened.</summary>
    /// <exception cref="IOException">There is something else; the message names it.</exception>
    public static void RequireReadable(string path)
    {
        if (Other(path) is { } other)
        {
            throw new IOException($"'{path}': found {other}, expected a file.");
        }
    }
}

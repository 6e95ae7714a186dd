using System.Text.RegularExpressions;

namespace ModelCompiler.Tool.Commands;

/// <summary>Says of a full or a read-only disk which folder it is; .NET names the file beside the place that was half written, which nobody asked for and which is removed by then.</summary>
internal static partial class DiskFaults
{
    private const int FullOnUnix = 28; // ENOSPC
    private const int ReadOnlyOnUnix = 30; // EROFS
    private const int FullOnWindows = unchecked((int)0x80070070); // ERROR_DISK_FULL
    private const int ReadOnlyOnWindows = unchecked((int)0x80070013); // ERROR_WRITE_PROTECT

    /// <summary>Whether there was no space left.</summary>
    public static bool IsFull(IOException fault) => fault.HResult is FullOnUnix or FullOnWindows;

    /// <summary>A sentence or more; the message of any other fault as it is.</summary>
    public static string Describe(IOException fault) => (fault.HResult, FolderIn(fault.Message)) switch
    {
        (FullOnUnix or FullOnWindows, { } folder) => $"the disk of '{folder}': found no space left, expected enough for what is written. Make room, or name another place.",
        (ReadOnlyOnUnix or ReadOnlyOnWindows, { } folder) => $"the disk of '{folder}': found one that can only be read, expected one that can be written to. Name another place.",
        _ => fault.Message,
    };

    /// <summary>The nearest folder there is to the path that a message names.</summary>
    private static string? FolderIn(string message)
    {
        string? path = Quoted().Match(message) is { Success: true, Groups: var groups } ? groups[1].Value : null;
        for (path = Path.GetDirectoryName(path); !string.IsNullOrEmpty(path) && !Directory.Exists(path);)
        {
            path = Path.GetDirectoryName(path);
        }

        return path == "" ? "." : path;
    }

    [GeneratedRegex("'(.+)'")]
    private static partial Regex Quoted();
}

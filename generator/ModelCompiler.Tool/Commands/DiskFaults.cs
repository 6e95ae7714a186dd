using System.Text.RegularExpressions;
using ModelCompiler.Tool.Inputs;

namespace ModelCompiler.Tool.Commands;

/// <summary>
/// Says of a file or folder that the system refused what was found and what was expected. .NET names the file beside the place that was half written, which nobody asked for and which is removed
/// by then: where there is nothing at the path that it names, the nearest folder there is stands for it.
/// </summary>
internal static partial class DiskFaults
{
    private const int FullOnUnix = 28; // ENOSPC
    private const int ReadOnlyOnUnix = 30; // EROFS
    private const int FullOnWindows = unchecked((int)0x80070070); // ERROR_DISK_FULL
    private const int ReadOnlyOnWindows = unchecked((int)0x80070013); // ERROR_WRITE_PROTECT

    /// <summary>Whether there was no space left.</summary>
    public static bool IsFull(IOException fault) => fault.HResult is FullOnUnix or FullOnWindows;

    /// <summary>A sentence or more; the message of any other fault as it is.</summary>
    public static string Describe(Exception fault)
    {
        if (PathIn(fault.Message) is not { } path)
        {
            return OfOutput(fault);
        }

        if (Nearest(Path.GetDirectoryName(path)) is not { } folder)
        {
            return fault.Message;
        }

        return fault switch
        {
            IOException { HResult: FullOnUnix or FullOnWindows } => $"the disk of '{folder}': found no space left, expected enough for what is written. Make room, or name another place.",
            IOException { HResult: ReadOnlyOnUnix or ReadOnlyOnWindows } => $"the disk of '{folder}': found one that can only be read, expected one that can be written to. Name another place.",
            UnauthorizedAccessException when Directory.Exists(path) => $"'{path}': found a folder, expected a file, or a folder that you may read and write.",
            UnauthorizedAccessException when File.Exists(path) => $"'{path}': found a file that you may not use, expected one that you may read and write. Change its permissions, or name another.",
            UnauthorizedAccessException => $"the folder '{folder}': found one that you may not use, expected one that you may read and write. Change its permissions, or name another place.",
            DirectoryNotFoundException => $"the folder '{Path.GetDirectoryName(path)}': found no such folder, expected one that is there. Make it first, or name another place.",
            FileNotFoundException when BrokenLink.Target(path) is { } target => $"'{path}': found a link to '{target}', where there is nothing, expected a file that can be read.",
            FileNotFoundException => $"'{path}': found no such file, expected one that can be read, or a place where one can be made.",
            _ => fault.Message,
        };
    }

    /// <summary>What has no path: of all that modelc writes, standard output alone (of a rename <see cref="Runtime.Files.WholeFile"/> names the place, which .NET does not on Windows). One that nobody reads any more (a pipe to a program that has ended) is no fault to .NET.</summary>
    private static string OfOutput(Exception fault) => fault switch
    {
        IOException { HResult: FullOnUnix or FullOnWindows } => "standard output: found no space left where it goes, expected enough for what is written. Make room, or send it to another place.",
        UnauthorizedAccessException => "standard output: found one that is closed, expected one that can be written to.",
        _ => fault.Message,
    };

    private static string? PathIn(string message) => Quoted().Match(message) is { Success: true, Groups: var groups } ? groups[1].Value : null;

    /// <summary>The folder, or the first above it that is there.</summary>
    private static string? Nearest(string? folder)
    {
        while (!string.IsNullOrEmpty(folder) && !Directory.Exists(folder))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder == "" ? "." : folder;
    }

    [GeneratedRegex("'(.+)'")]
    private static partial Regex Quoted();
}

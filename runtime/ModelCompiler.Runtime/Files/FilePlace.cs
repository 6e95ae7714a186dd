using System.Runtime.InteropServices;
using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.Runtime.Files;

/// <summary>
/// Where a file is to be written that replaces another by renaming: a link would be replaced instead of what it leads to, and so would a device, such as /dev/null, for the whole machine.
/// </summary>
internal static unsafe partial class FilePlace
{
    /// <summary>As many as Linux follows.</summary>
    private const int MostLinks = 40;

    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint TypeMask = 1; // STATX_TYPE

    /// <summary>The full path with no link in it, at which there is a file or nothing.</summary>
    /// <exception cref="IOException">There is something else, or links lead in a circle; the message names it.</exception>
    public static string Of(string path)
    {
        Require(path);
        int links = 0;
        return Follow(Path.GetFullPath(path), path, ref links);
    }

    /// <summary>As <see cref="Of"/>; null where that throws.</summary>
    public static string? TryOf(string path)
    {
        try
        {
            return Of(path);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Asks for a file, or nothing, where the path leads.</summary>
    /// <exception cref="IOException">There is something else; the message names it.</exception>
    public static void Require(string path)
    {
        if (Directory.Exists(path))
        {
            throw new IOException($"'{path}': found a folder, expected a file or nothing there. Move it away, or name another place.");
        }

        if (OperatingSystem.IsLinux() && KindOnLinux(path) is { } kind)
        {
            throw new IOException($"'{path}': found {kind}, expected a file or nothing there. Name another place.");
        }
    }

    /// <summary>Folder by folder, as a link's own path begins where the folder that it lies in really is.</summary>
    private static string Follow(string full, string path, ref int links)
    {
        if (Path.GetDirectoryName(full) is not { } parent)
        {
            return full;
        }

        string folder = Follow(parent, path, ref links), place = Path.Combine(folder, Path.GetFileName(full));
        if (new FileInfo(place).LinkTarget is not { } target)
        {
            return place;
        }

        return ++links <= MostLinks
            ? Follow(Path.GetFullPath(Path.Combine(folder, target)), path, ref links)
            : throw new IOException($"'{path}': found links that lead in a circle, expected a file or nothing there. Name another place.");
    }

    /// <summary>
    /// What lies where the path leads, if it is neither a file nor a folder nor nothing. .NET cannot tell without opening it, and whoever opens a pipe waits for its other end.
    /// </summary>
    private static string? KindOnLinux(string path)
    {
        Statx found = default;
        try
        {
            _ = Stat(CurrentFolder, path, 0, TypeMask, &found);
        }
        catch (Exception fault) when (fault is EntryPointNotFoundException or DllNotFoundException)
        {
            return null; // glibc before 2.28 (2018), musl before 1.2.5 (2024)
        }

        return (found.Mode & 0xF000) switch // S_IFMT
        {
            0x1000 => "a named pipe",
            0x2000 or 0x6000 => "a device",
            0xC000 => "a socket",
            _ => null,
        };
    }

    [LibraryImport(LinuxLibrary.C, EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(LinuxLibrary.Paths)]
    private static partial int Stat(int folder, string path, int flags, uint mask, Statx* found);

    /// <summary>struct statx, the same on every processor.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Statx
    {
        [FieldOffset(28)]
        public ushort Mode;
    }
}

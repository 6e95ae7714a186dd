using System.Text;

namespace ModelCompiler.Runtime.Files;

/// <summary>
/// A file that is written beside its place and renamed by <see cref="Commit"/>: whoever reads finds the old one or the new, never a part; disposing without it leaves nothing behind.
/// <para>A symbolic link in its place is replaced, not what it leads to: in a folder of links to another model's files, that model's would be lost. Where a user names the file itself, a link is
/// what he means (<see cref="FilePlace"/>): it stays, and what it leads to is replaced.</para>
/// </summary>
internal sealed class WholeFile : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly string place;
    private readonly string beside;
    private bool committed;

    /// <param name="path">The file to write or replace; its folder exists. On Unix the new file may be read and written by whom the old one may.</param>
    /// <param name="bufferSize">Bytes that <see cref="Stream"/> gathers; 0: none.</param>
    /// <param name="followLinks">Replaces what a link at the path leads to.</param>
    /// <exception cref="IOException">Something lies there that is no file (a folder, a device, a pipe), there is no such folder, or no file may have the name.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public WholeFile(string path, int bufferSize = 1 << 16, bool followLinks = false)
    {
        bool link = new FileInfo(path).LinkTarget is not null;
        if (!link)
        {
            FilePlace.Require(path);
        }

        place = link && followLinks ? FilePlace.Of(path) : Path.GetFullPath(path);
        beside = Path.Combine(Path.GetDirectoryName(place)!, $"{Guid.NewGuid():n}.tmp"); // whatever the length of the file's own name
        Stream = Open(link && !followLinks ? null : ModeOf(place), bufferSize);
    }

    /// <summary>Where the content goes.</summary>
    public FileStream Stream { get; }

    /// <summary>UTF-8 without a byte order mark.</summary>
    public static void Write(string path, string text, bool followLinks = false) => Write(path, stream => stream.Write(Utf8.GetBytes(text)), followLinks);

    /// <summary>What <paramref name="write"/> writes; nothing when it throws.</summary>
    public static void Write(string path, Action<Stream> write, bool followLinks = false)
    {
        using WholeFile file = new(path, followLinks: followLinks);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>Puts the finished file in its place; a fault names that.</summary>
    /// <param name="toDisk">Waits until the system has written it to the disk, so that a loss of power does not leave an empty file in its place.</param>
    /// <param name="name">Another name in the same folder, where that is known only now; null: as it was to be called.</param>
    /// <exception cref="IOException">The disk is full, or something else came to lie in the place.</exception>
    /// <exception cref="UnauthorizedAccessException">The file in the place may not be replaced; on Windows, because somebody reads it, too.</exception>
    public void Commit(bool toDisk = false, string? name = null)
    {
        try
        {
            Stream.Flush(toDisk);
            Stream.Dispose();
            File.Move(beside, name is null ? place : Path.Combine(Path.GetDirectoryName(place)!, name), overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Named(fault);
        }

        committed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (committed)
        {
            return;
        }

        try
        {
            Stream.Dispose();
        }
        catch (Exception fault) when (fault is IOException or ArgumentException)
        {
            // What a full disk would not take is thrown away anyway.
        }
        finally
        {
            File.Delete(beside);
        }
    }

    /// <summary>Those of the file that is there, if any. Where the place can be told to take no file, such as one whose name is too long, that is thrown now, not behind hours of work.</summary>
    private static UnixFileMode? ModeOf(string place)
        => OperatingSystem.IsWindows() || new FileInfo(place).UnixFileMode is not (>= 0 and var mode) ? null : mode; // negative where there is nothing

    private FileStream Open(UnixFileMode? mode, int bufferSize)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, BufferSize = bufferSize };
        if (OperatingSystem.IsWindows() || mode is not { } asBefore)
        {
            return new FileStream(beside, options);
        }

        options.UnixCreateMode = asBefore; // from the start: whoever may not read the file shall not open it meanwhile
        FileStream stream = new(beside, options);
        if (File.GetUnixFileMode(stream.SafeFileHandle) != asBefore) // less what the process's mask takes away
        {
            File.SetUnixFileMode(stream.SafeFileHandle, asBefore);
        }

        return stream;
    }

    /// <summary>The same fault of the file's place: .NET names the file beside it, or, of renaming on Windows, none.</summary>
    private Exception Named(Exception fault)
    {
        string text = fault.Message.Contains(beside, StringComparison.Ordinal) ? fault.Message.Replace(beside, place, StringComparison.Ordinal)
            : fault.Message.Contains(place, StringComparison.Ordinal) ? fault.Message
            : $"'{place}': {fault.Message}";
        return fault switch
        {
            UnauthorizedAccessException => new UnauthorizedAccessException(text, fault),
            DirectoryNotFoundException => new DirectoryNotFoundException(text, fault),
            FileNotFoundException => new FileNotFoundException(text, place, fault),
            PathTooLongException => new PathTooLongException(text, fault),
            _ => new IOException(text, fault) { HResult = fault.HResult },
        };
    }
}

using System.Text;

namespace ModelCompiler.Runtime.Files;

/// <summary>
/// A file that is written beside its place and renamed by <see cref="Commit"/>: whoever reads finds the old one or the new, never a part; disposing without it leaves nothing behind.
/// A symbolic link stays, and what it leads to is replaced (<see cref="FilePlace"/>).
/// </summary>
internal sealed class WholeFile : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly string place;
    private readonly string beside;
    private bool committed;

    /// <param name="path">The file to write or replace; its folder exists.</param>
    /// <param name="bufferSize">Bytes that <see cref="Stream"/> gathers; 0: none.</param>
    /// <exception cref="IOException">Something lies there that is no file: a folder, a device, a pipe.</exception>
    public WholeFile(string path, int bufferSize = 1 << 16)
    {
        place = FilePlace.Of(path);
        beside = $"{place}.{Guid.NewGuid():n}.tmp";
        Stream = new FileStream(beside, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize);
    }

    /// <summary>Where the content goes.</summary>
    public FileStream Stream { get; }

    /// <summary>UTF-8 without a byte order mark.</summary>
    public static void Write(string path, string text) => Write(path, stream => stream.Write(Utf8.GetBytes(text)));

    /// <summary>What <paramref name="write"/> writes; nothing when it throws.</summary>
    public static void Write(string path, Action<Stream> write)
    {
        using WholeFile file = new(path);
        write(file.Stream);
        file.Commit();
    }

    /// <summary>Puts the finished file in its place.</summary>
    /// <param name="toDisk">Waits until the system has written it to the disk, so that a loss of power does not leave an empty file in its place.</param>
    /// <param name="name">Another name in the same folder, where that is known only now; null: as it was to be called.</param>
    public void Commit(bool toDisk = false, string? name = null)
    {
        Stream.Flush(toDisk);
        Stream.Dispose();
        File.Move(beside, name is null ? place : Path.Combine(Path.GetDirectoryName(place)!, name), overwrite: true);
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
}

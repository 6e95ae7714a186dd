using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Tool.Inputs;

/// <summary>A file mapped into memory for reading. Others may read it meanwhile, but not write it.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile? mapping;
    private readonly MemoryMappedViewAccessor? view;
    private readonly byte* start;
    private readonly DateTime lastWrite;

    /// <exception cref="IOException">The file cannot be opened, or is none.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public MappedFile(string path)
    {
        FilePlace.RequireReadable(path);
        FilePath = path;
        FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        Length = stream.Length;
        lastWrite = File.GetLastWriteTimeUtc(stream.SafeFileHandle); // by the handle: a symbolic link, by which model hubs' caches name their files, has a time and a length of its own
        if (Length == 0)
        {
            stream.Dispose(); // no system maps nothing
            return;
        }

        mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        start = pointer + view.PointerOffset;
    }

    public string FilePath { get; }

    /// <summary>Bytes, as they were when the file was mapped.</summary>
    public long Length { get; }

    /// <summary>False when the file on disk is another, longer or shorter than the one that was mapped.</summary>
    public bool IsUnchanged
    {
        get
        {
            try
            {
                FilePlace.RequireReadable(FilePath);
                using SafeFileHandle file = File.OpenHandle(FilePath);
                return RandomAccess.GetLength(file) == Length && File.GetLastWriteTimeUtc(file) == lastWrite;
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The file is shorter.</exception>
    public ReadOnlySpan<byte> Bytes(long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - length);
        return new(start + offset, length);
    }

    public void Dispose()
    {
        view?.SafeMemoryMappedViewHandle.ReleasePointer();
        view?.Dispose();
        mapping?.Dispose();
    }
}

using System.IO.MemoryMappedFiles;
using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.Runtime.Weights;

/// <summary>A stretch of a mapped file. Stays mapped until it is disposed, or nobody holds it any more.</summary>
internal sealed unsafe class MappedSection : IDisposable
{
    private readonly MemoryMappedViewAccessor view;
    private byte* start;

    public MappedSection(MemoryMappedFile file, long offsetBytes, long lengthBytes)
    {
        view = file.CreateViewAccessor(offsetBytes, lengthBytes, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        HugePages.Ask(start, view.PointerOffset + lengthBytes);
        start += view.PointerOffset;
    }

    ~MappedSection() => Release();

    /// <summary>The byte at the offset. A file's own alignment is kept: pages are larger than any.</summary>
    /// <exception cref="ObjectDisposedException">It is not mapped any more.</exception>
    public byte* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(start is null, this);
            return start;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        view.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (start is not null)
        {
            start = null;
            view.SafeMemoryMappedViewHandle.ReleasePointer();
        }
    }
}

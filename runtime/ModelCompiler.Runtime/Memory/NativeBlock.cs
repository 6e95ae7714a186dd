using System.Runtime.InteropServices;

namespace ModelCompiler.Runtime.Memory;

/// <summary>
/// Zeroed native memory, 64-byte aligned, freed by <see cref="Dispose"/> or, when forgotten, with its owner. Large blocks come from the
/// system as pages that are zeroed when they are first touched, by the thread that does, and never if none does.
/// </summary>
internal sealed unsafe class NativeBlock : IDisposable
{
    /// <summary>Alignment of every block: a cache line, and a 512-bit register.</summary>
    public const int AlignmentBytes = 64;

    private void* allocated;
    private void* pointer;

    /// <summary>Takes <paramref name="lengthBytes"/> bytes of zeros.</summary>
    /// <param name="lengthBytes">At least 1.</param>
    /// <param name="purpose">What the memory is for, as the message of a failure says it.</param>
    /// <exception cref="OutOfMemoryException">The message tells purpose and size.</exception>
    public NativeBlock(long lengthBytes, string purpose)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lengthBytes, 1);
        LengthBytes = lengthBytes;
        try
        {
            allocated = NativeMemory.AllocZeroed(checked((nuint)(lengthBytes + AlignmentBytes - 1)));
            pointer = (void*)(((nuint)allocated + AlignmentBytes - 1) & ~(nuint)(AlignmentBytes - 1));
        }
        catch (Exception failure) when (failure is OutOfMemoryException or OverflowException)
        {
            GC.SuppressFinalize(this);
            throw new OutOfMemoryException($"{lengthBytes:N0} bytes for {purpose} could not be had.", failure);
        }
    }

    ~NativeBlock() => Free();

    /// <summary>Its size.</summary>
    public long LengthBytes { get; }

    /// <summary>First byte.</summary>
    public byte* Bytes => (byte*)Pointer;

    /// <summary>First float.</summary>
    public float* Floats => (float*)Pointer;

    /// <summary>First byte.</summary>
    /// <exception cref="ObjectDisposedException">The block was freed.</exception>
    public void* Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(pointer is null, this);
            return pointer;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.Free(allocated);
        allocated = pointer = null;
    }
}

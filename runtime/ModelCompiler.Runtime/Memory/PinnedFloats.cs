using System.Runtime.InteropServices;

namespace ModelCompiler.Runtime.Memory;

/// <summary>
/// Floats that emitted code writes by pointer and users read as a span: a managed array that never moves. Unlike a span over a
/// <see cref="NativeBlock"/>, one over this keeps the memory alive, whatever becomes of its owner. Not zeroed.
/// </summary>
internal sealed unsafe class PinnedFloats
{
    private const int AlignmentFloats = NativeBlock.AlignmentBytes / sizeof(float);

    private readonly float[] array;
    private readonly int first;

    /// <summary>Takes <paramref name="length"/> floats.</summary>
    /// <param name="length">0 … about 2³¹, which is what an array holds.</param>
    /// <param name="purpose">What the memory is for, as the message of a failure says it.</param>
    /// <exception cref="OutOfMemoryException">The message tells purpose and size.</exception>
    public PinnedFloats(long length, string purpose)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        try
        {
            array = GC.AllocateUninitializedArray<float>(checked((int)(length + AlignmentFloats - 1)), pinned: true);
        }
        catch (Exception failure) when (failure is OutOfMemoryException or OverflowException)
        {
            throw new OutOfMemoryException($"{length * sizeof(float):N0} bytes for {purpose} could not be had.", failure);
        }

        Length = (int)length;
        nuint start = (nuint)Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
        first = (int)((0 - start) % NativeBlock.AlignmentBytes / sizeof(float));
    }

    /// <summary>Its size.</summary>
    public int Length { get; }

    /// <summary>All of them.</summary>
    public Span<float> Span => array.AsSpan(first, Length);

    /// <summary>First float, 64-byte aligned. Good while this object, or a span of it, is reachable.</summary>
    public float* Pointer => (float*)Marshal.UnsafeAddrOfPinnedArrayElement(array, first);
}

using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>The element types of published tensors, and how their little-endian bytes become float32.</summary>
public static class TensorElements
{
    /// <summary>Bytes of one element.</summary>
    public static int SizeBytes(TensorType type) => type switch
    {
        TensorType.F32 => 4,
        TensorType.F16 or TensorType.BF16 => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no operation can use this element type"),
    };

    /// <summary>Exact. <paramref name="source"/> is SizeBytes(type) · destination.Length long, little-endian, of any alignment.</summary>
    public static void Decode(TensorType type, ReadOnlySpan<byte> source, Span<float> destination)
    {
        switch (type)
        {
            case TensorType.F32:
                source.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case TensorType.F16:
                ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(source);
                for (int i = 0; i < destination.Length; i++)
                {
                    destination[i] = HalfFloats.FromF16(halves[i]);
                }

                break;
            case TensorType.BF16:
                ReadOnlySpan<ushort> upperHalves = MemoryMarshal.Cast<byte, ushort>(source);
                for (int i = 0; i < destination.Length; i++)
                {
                    destination[i] = HalfFloats.FromBF16(upperHalves[i]);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "no operation can use this element type");
        }
    }
}

using System.Runtime.InteropServices;

namespace ModelCompiler.Compiler.Formats;

/// <summary>
/// 16-bit floats in pairs of inputs: word[(k/2) · columns + c] holds W[c, k] in its low half and W[c, k+1] in its
/// high half (k even). A kernel loads sixteen outputs for two inputs with one 64-byte load and widens each half with shifts
/// and masks alone: no shuffle, no conversion instruction, on any processor.
/// </summary>
public abstract class PairedHalfFormat : WeightFormat
{
    /// <inheritdoc/>
    public override long PanelBytes(int inputs, int columns) => 2L * inputs * columns;

    /// <summary>Rounds to nearest even; throws <see cref="OverflowException"/> where the number is too large or not a number.</summary>
    protected abstract ushort Encode(float value);

    /// <summary>Exact.</summary>
    protected abstract float Decode(ushort bits);

    /// <inheritdoc/>
    public override void EncodePanel(ReadOnlySpan<float> weights, int inputs, int columns, Span<byte> panel)
    {
        Span<ushort> target = MemoryMarshal.Cast<byte, ushort>(panel);
        for (int c = 0; c < columns; c++)
        {
            ReadOnlySpan<float> row = weights.Slice(c * inputs, inputs);
            for (int k = 0; k < row.Length; k++)
            {
                target[Index(k, c, columns)] = Encode(row[k]);
            }
        }
    }

    /// <inheritdoc/>
    public override void DecodePanel(ReadOnlySpan<byte> panel, int inputs, int columns, Span<float> weights)
    {
        ReadOnlySpan<ushort> source = MemoryMarshal.Cast<byte, ushort>(panel);
        for (int k = 0; k < inputs; k++)
        {
            for (int c = 0; c < columns; c++)
            {
                weights[(c * inputs) + k] = Decode(source[Index(k, c, columns)]);
            }
        }
    }

    private static int Index(int k, int c, int columns) => (((k >> 1) * columns) + c) * 2 + (k & 1);
}

/// <summary>IEEE 754 binary16.</summary>
public sealed class F16Format : PairedHalfFormat
{
    /// <summary>The one instance.</summary>
    public static F16Format Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "f16";

    /// <inheritdoc/>
    protected override ushort Encode(float value) => HalfFloats.ToF16(value);

    /// <inheritdoc/>
    protected override float Decode(ushort bits) => HalfFloats.FromF16(bits);
}

/// <summary>bfloat16: the upper half of a float32.</summary>
public sealed class BF16Format : PairedHalfFormat
{
    /// <summary>The one instance.</summary>
    public static BF16Format Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "bf16";

    /// <inheritdoc/>
    protected override ushort Encode(float value) => HalfFloats.ToBF16(value);

    /// <inheritdoc/>
    protected override float Decode(ushort bits) => HalfFloats.FromBF16(bits);
}

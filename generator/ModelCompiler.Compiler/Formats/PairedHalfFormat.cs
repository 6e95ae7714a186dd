using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Emit.Targets;

namespace ModelCompiler.Compiler.Formats;

/// <summary>
/// 16-bit floats in pairs of inputs: word[(k/2) · columns + c] holds W[c, k] in its low half and W[c, k+1] in its
/// high half (k even). A kernel loads sixteen outputs for two inputs with one 64-byte load and widens each half with shifts
/// and masks alone: no shuffle, no conversion instruction, on any processor.
/// </summary>
public abstract class PairedHalfFormat : WeightFormat
{
    internal override int InputsPerGroup => 2;

    internal override string ElementType => "uint";

    /// <summary>C# for a 16-bit number as a float.</summary>
    protected abstract string ScalarFromBits(string bits);

    internal override string ScalarWeight(string panel, string k, string column, string columns)
        => ScalarFromBits($"((ushort*){panel})[(((({k} / 2) * {columns}) + {column}) * 2) + ({k} % 2)]");

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

    /// <inheritdoc/>
    protected override string ScalarFromBits(string bits) => $"(float)BitConverter.UInt16BitsToHalf({bits})";

    // Five instructions a number, one of them where multiply-adds run. bf16 takes one and gains nothing: 2 % slower unpacked (GPT-2).
    internal override bool Unpacks => true;


    // The exponent of a half, moved to that of a float, is 112 too small: one multiplication mends it, for subnormals too.
    // The arithmetic shift by 3 leaves copies of the sign, which the mask clears with the other half of the pair.
    internal override IEnumerable<string> TileConstants(VectorTarget target) =>
    [
        $"var halfBits = {target.Vector}.Create(unchecked((int)0x8FFFE000));",
        $"var rebias = {target.Vector}.Create(5.192296858534828e33f); // 2^112",
    ];

    internal override string TileWeight(VectorTarget target, string pointer, int input)
    {
        string word = $"{target.Load("(int*)(" + pointer + ")")}";
        string upper = input == 0 ? $"({word} << 16)" : word;
        return $"({target.Vector}.ShiftRightArithmetic({upper}, 3) & halfBits).AsSingle() * rebias";
    }
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

    /// <inheritdoc/>
    protected override string ScalarFromBits(string bits) => $"BitConverter.UInt32BitsToSingle((uint){bits} << 16)";

    internal override IEnumerable<string> TileConstants(VectorTarget target) => [$"var upperHalf = {target.Vector}.Create(0xFFFF0000u);"];

    internal override string TileWeight(VectorTarget target, string pointer, int input)
        => input == 0 ? $"({target.Load(pointer)} << 16).AsSingle()" : $"({target.Load(pointer)} & upperHalf).AsSingle()";
}

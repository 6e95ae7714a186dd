using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Emit.Targets;

namespace ModelCompiler.Compiler.Formats;

/// <summary>
/// Small integers in groups of <see cref="GroupInputs"/> inputs that share a scale: W[c, k] = scale[c, k / 32] · q[c, k].
/// <para>A panel holds, group by group: the columns' scales (bfloat16, side by side), then the integers in chunks: chunk i holds, for every
/// column in turn, four bytes with the next inputs. So a kernel walks one stream, and a 64-byte load is sixteen columns by the inputs of
/// a chunk, four neighbouring bytes to a column: what multiply-add-adjacent and dot-product instructions take.</para>
/// <para>Inputs are integers too (see <see cref="Graph.Quantise"/>), so that a group's sum is exact on every instruction set.</para>
/// </summary>
public abstract class BlockFormat : WeightFormat
{
    /// <summary>Inputs that share a scale.</summary>
    public const int GroupInputs = 32;

    /// <summary>Bytes of a chunk for one column.</summary>
    internal const int ColumnBytes = 4;

    /// <summary>Bytes of a scale.</summary>
    internal const int ScaleBytes = 2;

    /// <summary>Bits of an integer.</summary>
    public abstract int Bits { get; }

    /// <summary>Smallest and largest integer.</summary>
    public abstract (int Lowest, int Highest) Range { get; }

    /// <summary>Chunks of a group.</summary>
    internal int Chunks => GroupInputs / ChunkInputs;

    /// <summary>Inputs of a chunk: 4 or 8.</summary>
    internal int ChunkInputs => ColumnBytes * 8 / Bits;

    /// <inheritdoc/>
    public override int InputMultiple => GroupInputs;

    /// <summary>Bytes of the widest integers that an instruction set makes of a group of inputs: 16 bits each for 8-bit weights, else 8. Its scale, a float, lies behind them.</summary>
    internal int ScaleOffsetBytes => GroupInputs * Bits / 4;

    /// <summary>Where a group of inputs has room for one more number, which an instruction set may want.</summary>
    internal int CorrectionOffsetBytes => ScaleOffsetBytes + sizeof(float);

    /// <summary>Floats that a group of inputs takes in the arena.</summary>
    public int GroupInputFloats => (CorrectionOffsetBytes / sizeof(float)) + 1;

    /// <inheritdoc/>
    public override int InputFloats(int inputs) => inputs / GroupInputs * GroupInputFloats;

    /// <inheritdoc/>
    public override long PanelBytes(int inputs, int columns) => (((long)(inputs / GroupInputs) * GroupBytes(columns)) + 63) / 64 * 64;

    internal override int InputsPerGroup => 1;

    internal override string ElementType => "byte";

    /// <summary>Bytes of a group of a panel.</summary>
    internal int GroupBytes(int columns) => columns * (ScaleBytes + (Chunks * ColumnBytes));

    /// <inheritdoc/>
    public override void EncodePanel(ReadOnlySpan<float> weights, int inputs, int columns, Span<byte> panel)
    {
        panel.Clear();
        Span<int> integers = stackalloc int[GroupInputs];
        for (int c = 0; c < columns; c++)
        {
            for (int group = 0; group < inputs / GroupInputs; group++)
            {
                Span<byte> bytes = panel.Slice(group * GroupBytes(columns), GroupBytes(columns));
                ReadOnlySpan<float> numbers = weights.Slice((c * inputs) + (group * GroupInputs), GroupInputs);
                MemoryMarshal.Cast<byte, ushort>(bytes)[c] = GroupRounding.Fit(numbers, Range.Lowest, Range.Highest, integers);
                for (int k = 0; k < GroupInputs; k++)
                {
                    Put(bytes, ByteIndex(k, c, columns), k, integers[k]);
                }
            }
        }
    }

    /// <inheritdoc/>
    public override void DecodePanel(ReadOnlySpan<byte> panel, int inputs, int columns, Span<float> weights)
    {
        sbyte[] codes = new sbyte[columns * inputs];
        float[] scales = new float[codes.Length / GroupInputs];
        ReadPanel(panel, inputs, columns, codes, scales);
        for (int i = 0; i < codes.Length; i++)
        {
            weights[i] = scales[i / GroupInputs] * codes[i];
        }
    }

    /// <summary>
    /// What <see cref="DecodePanel"/> multiplies: codes[c · inputs + k], and scales[c · (inputs / 32) + group]. For file formats that keep the two apart.
    /// </summary>
    public void ReadPanel(ReadOnlySpan<byte> panel, int inputs, int columns, Span<sbyte> codes, Span<float> scales)
    {
        for (int c = 0; c < columns; c++)
        {
            for (int k = 0; k < inputs; k++)
            {
                ReadOnlySpan<byte> bytes = panel.Slice(k / GroupInputs * GroupBytes(columns), GroupBytes(columns));
                scales[(c * (inputs / GroupInputs)) + (k / GroupInputs)] = HalfFloats.FromBF16(MemoryMarshal.Cast<byte, ushort>(bytes)[c]);
                codes[(c * inputs) + k] = (sbyte)Get(bytes, ByteIndex(k % GroupInputs, c, columns), k % GroupInputs);
            }
        }
    }

    internal override string TileWeight(VectorTarget target, string pointer, int input)
        => throw new NotSupportedException("Block formats have a tile of their own.");

    internal override string ScalarWeight(string panel, string k, string column, string columns)
    {
        string group = $"({panel} + (nint)({k} / {GroupInputs} * {columns} * {ScaleBytes + (Chunks * ColumnBytes)}))";
        string bytes = $"({group} + ({columns} * {ScaleBytes}) + ({k} % {GroupInputs} / {ChunkInputs} * {columns} * {ColumnBytes}) + ({column} * {ColumnBytes}))";
        return $"BitConverter.UInt32BitsToSingle((uint)((ushort*){group})[{column}] << 16) * {ScalarInteger(bytes, k)}";
    }

    /// <summary>C# for the integer of input <paramref name="k"/>, given the four bytes of its chunk and column.</summary>
    protected abstract string ScalarInteger(string bytes, string k);

    /// <summary>Stores the integer of input <paramref name="k"/> of a group in a byte that may hold another already.</summary>
    protected abstract void Put(Span<byte> bytes, int index, int k, int integer);

    /// <summary>The integer that <see cref="Put"/> stored.</summary>
    protected abstract int Get(ReadOnlySpan<byte> bytes, int index, int k);

    private int ByteIndex(int k, int column, int columns)
        => (columns * ScaleBytes) + (k / ChunkInputs * columns * ColumnBytes) + (column * ColumnBytes) + (k % ColumnBytes);
}

/// <summary>Signed bytes, −127 … 127: 8.5 bits a weight. A chunk is four inputs in order.</summary>
public sealed class Q8Format : BlockFormat
{
    /// <summary>The one instance.</summary>
    public static Q8Format Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "q8";

    /// <inheritdoc/>
    public override int Bits => 8;

    /// <inheritdoc/>
    public override (int Lowest, int Highest) Range => (-127, 127);

    /// <inheritdoc/>
    protected override string ScalarInteger(string bytes, string k) => $"((sbyte*){bytes})[{k} % 4]";

    /// <inheritdoc/>
    protected override void Put(Span<byte> bytes, int index, int k, int integer) => bytes[index] = unchecked((byte)integer);

    /// <inheritdoc/>
    protected override int Get(ReadOnlySpan<byte> bytes, int index, int k) => unchecked((sbyte)bytes[index]);
}

/// <summary>Four bits, −8 … 7, stored as 0 … 15: 4.5 bits a weight. A chunk is eight inputs: four in the low halves of its bytes, the next four in the high halves.</summary>
public sealed class Q4Format : BlockFormat
{
    /// <summary>The one instance.</summary>
    public static Q4Format Instance { get; } = new();

    /// <summary>What is added to an integer before it is stored.</summary>
    internal const int Offset = 8;

    /// <inheritdoc/>
    public override string Name => "q4";

    /// <inheritdoc/>
    public override int Bits => 4;

    /// <inheritdoc/>
    public override (int Lowest, int Highest) Range => (-8, 7);

    /// <inheritdoc/>
    protected override string ScalarInteger(string bytes, string k) => $"((({bytes}[{k} % 4] >> ({k} % 8 / 4 * 4)) & 15) - {Offset})";

    /// <inheritdoc/>
    protected override void Put(Span<byte> bytes, int index, int k, int integer) => bytes[index] |= (byte)((integer + Offset) << Shift(k));

    /// <inheritdoc/>
    protected override int Get(ReadOnlySpan<byte> bytes, int index, int k) => ((bytes[index] >> Shift(k)) & 15) - Offset;

    private static int Shift(int k) => k % 8 / 4 * 4;
}

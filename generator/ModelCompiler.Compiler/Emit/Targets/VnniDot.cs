using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>
/// x86 with its dot-product extension for 256-bit registers, AVX-VNNI: unsigned × signed bytes, four products of a column summed in 32 bits at once. Weights become unsigned
/// by 128, which flips their highest bit; the −128 · Σx that belongs to it is where a group's sum begins. Of 8-bit weights a line of memory takes 4 instructions so, pair by pair it
/// takes 8. Of 4 bits it would take more than pair by pair, in registers twice as wide.
/// <para>As AVX-VNNI encodes it the instruction reaches only the first 16 registers: tiles have at most 12 sums.</para>
/// </summary>
/// <param name="fallback">What multiplies on processors without the extension.</param>
internal sealed class VnniDot(PairwiseDot fallback) : BlockDot
{
    private const int SumLanes = 8;

    public override string? Guard => "AvxVnni.IsSupported";

    public override BlockDot? Fallback => fallback;

    public override int LanesOfSum(VectorTarget target) => SumLanes;

    public override IEnumerable<string> TileConstants(VectorTarget target, BlockFormat format) => ["var flip = Vector256.Create((byte)128);"];

    public override string Sum(VectorTarget target, BlockFormat format, int row, int register)
        => target.Lanes == SumLanes ? Name(row, register) : $"Vector512.Create({Name(row, register * 2)}, {Name(row, (register * 2) + 1)})";

    public override void WriteGroup(KernelSet set, SourceWriter writer, BlockTile tile)
    {
        int sums = tile.Registers * set.Target.Lanes / SumLanes;
        for (int row = 0; row < tile.Rows; row++)
        {
            for (int sum = 0; sum < sums; sum++)
            {
                string start = sum > 0 ? Name(row, 0) : $"Vector256.Create(*(int*)(in{row} + {tile.Format.CorrectionOffsetBytes}))";
                writer.Line($"var {Name(row, sum)} = {start};");
            }
        }

        tile.WriteChunks(writer, set.Target, chunk =>
        {
            writer.Line("{");
            for (int sum = 0; sum < sums; sum++)
            {
                writer.Line($"var w{sum} = Vector256.Load(&chunks[{chunk.OffsetBytes + (sum * SumLanes * BlockFormat.ColumnBytes)}]) ^ flip;");
            }

            for (int row = 0; row < tile.Rows; row++)
            {
                writer.Line($"var x{row} = Vector256.Create(*(int*)({chunk.Input(row, 4, 0)})).AsSByte();");
                for (int sum = 0; sum < sums; sum++)
                {
                    writer.Line($"{Name(row, sum)} = AvxVnni.MultiplyWideningAndAdd({Name(row, sum)}, w{sum}, x{row});");
                }
            }

            writer.Line("}");
        });
    }

    public override void WriteRecord(SourceWriter writer, VectorTarget target, BlockFormat format, IReadOnlyList<string> integers)
    {
        writer.Open($"if ({Guard})");
        IReadOnlyList<string> bytes = Narrow(writer, target, Narrow(writer, target, integers, "s"), "b");
        string group = target.Lanes == 16 ? $"{bytes[0]}.GetLower()" : bytes[0];
        writer.Line($"var bytes = {group};");
        writer.Line("Vector256.Store(bytes, (sbyte*)record);");
        writer.Line($"*(int*)(record + {format.CorrectionOffsetBytes}) = -128 * Vector256.Sum(AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, Vector256<byte>.One, bytes));");
        writer.Close();
        writer.Open("else");
        fallback.WriteRecord(writer, target, format, integers);
        writer.Close();
    }

    private static string Name(int row, int sum) => $"i{row}_{sum}";
}

using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>
/// x86's multiply-add-adjacent: 4 bits everywhere, 8 bits where there is no dot-product extension (<see cref="VnniDot"/>).
/// <para>8 bits: products of 16-bit integers in pairs, summed in 32 bits. (In 8 bits each pair would have to be widened at once, by as many
/// multiplications, and one factor held to seven bits.) Inputs are kept as 16 bits, in the order 0, 2, 1, 3 of each four: a chunk's even and odd bytes then meet
/// them after one or two shifts.</para>
/// <para>4 bits: unsigned nibbles × signed bytes in pairs, summed in 16 bits: a group's true sum, Σ (q − 8) · x, fits, so it does not matter that
/// a partial one may wrap. The −8 · Σx that belongs to each half of a 32-bit lane is where the sum begins.</para>
/// </summary>
internal sealed class PairwiseDot(string instructions) : BlockDot
{
    public override IEnumerable<string> TileConstants(VectorTarget target, BlockFormat format)
        => format.Bits == 8 ? [] : [$"var nibble = {target.Vector}.Create((byte)15);"];

    public override string Sum(VectorTarget target, BlockFormat format, int row, int register)
        => format.Bits == 8 ? $"i{row}_{register}" : $"{instructions}.MultiplyAddAdjacent(i{row}_{register}, {target.Vector}<short>.One)";

    public override void WriteGroup(KernelSet set, SourceWriter writer, BlockTile tile)
    {
        VectorTarget t = set.Target;
        for (int row = 0; row < tile.Rows; row++)
        {
            for (int register = 0; register < tile.Registers; register++)
            {
                string start = tile.Format.Bits == 8 ? $"{t.Vector}<int>.Zero"
                    : register > 0 ? $"i{row}_0" : $"{t.Vector}.Create(*(int*)(in{row} + {tile.Format.CorrectionOffsetBytes})).AsInt16()";
                writer.Line($"var i{row}_{register} = {start};");
            }
        }

        tile.WriteChunks(writer, t, chunk =>
        {
            for (int half = 0; half < 2; half++)
            {
                writer.Line("{");
                WriteWeights(writer, t, tile, chunk, half);
                WriteProducts(writer, t, tile, chunk, half);
                writer.Line("}");
            }
        });
    }

    /// <summary>Each half of a chunk is loaded anew: kept in a register for the other half, it put an accumulator on the stack.</summary>
    private static void WriteWeights(SourceWriter writer, VectorTarget t, BlockTile tile, BlockChunk chunk, int half)
    {
        for (int register = 0; register < tile.Registers; register++)
        {
            string at = $"&chunks[{chunk.OffsetBytes + (register * t.Lanes * BlockFormat.ColumnBytes)}]";
            string shorts = t.Load($"(short*)({at})"), words = t.Load($"(ushort*)({at})");
            string weight = (tile.Format.Bits, half) switch
            {
                (8, 0) => $"{t.Vector}.ShiftRightArithmetic({shorts} << 8, 8)",
                (8, _) => $"{t.Vector}.ShiftRightArithmetic({shorts}, 8)",
                (_, 0) => $"{t.Load(at)} & nibble",
                _ => $"({words} >> 4).AsByte() & nibble",
            };
            writer.Line($"var w{register} = {weight};");
        }
    }

    private void WriteProducts(SourceWriter writer, VectorTarget t, BlockTile tile, BlockChunk chunk, int half)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            writer.Line($"var x{row} = {t.Vector}.Create(*(int*)({chunk.Input(row, 8, half * 4)})).{(tile.Format.Bits == 8 ? "AsInt16" : "AsSByte")}();");
            for (int register = 0; register < tile.Registers; register++)
            {
                writer.Line($"i{row}_{register} += {instructions}.MultiplyAddAdjacent(w{register}, x{row});");
            }
        }
    }

    public override void WriteRecord(SourceWriter writer, VectorTarget target, BlockFormat format, IReadOnlyList<string> integers)
    {
        IReadOnlyList<string> shorts = Narrow(writer, target, integers, "s");
        if (format.Bits == 8)
        {
            int lanes = target.Lanes * 2;
            string order = string.Join(", ", Enumerable.Range(0, lanes).Select(i => (i & ~3) + ((i & 1) << 1) + ((i & 2) >> 1)));
            for (int i = 0; i < shorts.Count; i++)
            {
                writer.Line(target.Store($"{target.Vector}.Shuffle({shorts[i]}, {target.Vector}.Create((short){order}))", $"(short*)record + {i * lanes}"));
            }

            return;
        }

        IReadOnlyList<string> bytes = Narrow(writer, target, shorts, "b");
        string group = target.Lanes == 16 ? $"{bytes[0]}.GetLower()" : bytes[0];
        writer.Line($"var integers = {group};");
        writer.Line("Vector256.Store(integers, (sbyte*)record);");
        writer.Line("var pairs = Avx2.MultiplyAddAdjacent(Vector256<byte>.One, integers); // inputs 0 + 1 and 2 + 3 of each four");
        writer.Line("var eight = (pairs.GetLower() + pairs.GetUpper()).AsInt32();");
        writer.Line("var four = eight.AsInt16() + Vector128.Shuffle(eight, Vector128.Create(2, 3, 0, 1)).AsInt16();");
        writer.Line("var sums = four + Vector128.Shuffle(four.AsInt32(), Vector128.Create(1, 0, 3, 2)).AsInt16();");
        writer.Line($"*(int*)(record + {format.CorrectionOffsetBytes}) = (-(sums << 3)).AsInt32().ToScalar();");
    }
}

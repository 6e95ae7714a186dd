using ModelCompiler.Compiler.Emit.Kernels;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>What a tile of a block format multiplies: <paramref name="Rows"/> rows by <paramref name="Registers"/> registers of columns of panels <paramref name="PanelStride"/> columns wide.</summary>
internal sealed record BlockTile(BlockFormat Format, int Rows, int Registers, int PanelStride, ReadAhead Ahead)
{
    /// <summary>
    /// Writes what <paramref name="write"/> writes for each chunk of a group: chunk after chunk, or once in a loop that takes <c>chunks</c> along. Before each it asks for what lies ahead; not for the
    /// scales between groups, 128 bytes of 2,176 (q8) or 1,152 (q4).
    /// </summary>
    public void WriteChunks(SourceWriter writer, VectorTarget target, Action<BlockChunk> write)
    {
        if (!Loops(target))
        {
            for (int chunk = 0; chunk < Format.Chunks; chunk++)
            {
                WriteChunk(new(ChunkOffsetBytes(chunk), chunk));
            }

            return;
        }

        writer.Open($"for (nint chunk = 0; chunk < {Format.Chunks}; chunk++)");
        WriteChunk(new(0, null));
        writer.Line($"chunks += {ChunkOffsetBytes(1)};").Close();

        void WriteChunk(BlockChunk chunk)
        {
            PrefetchWriter.WriteAhead(writer, target, Ahead, "chunks", chunk.OffsetBytes, Registers, sizeof(byte));
            write(chunk);
        }
    }

    /// <summary>From where a group's products leave <c>chunks</c> to the next group's first.</summary>
    public int StepBytes(VectorTarget target) => Format.GroupBytes(PanelStride) - (Loops(target) ? ChunkOffsetBytes(Format.Chunks) : 0);

    private bool Loops(VectorTarget target) => BlockTilePlan.LoopsOverChunks(target.Set, Format.Bits, Rows);

    /// <summary>Where chunk <paramref name="chunk"/> of the tile's columns begins, counted from the group's first chunk at the tile's first column.</summary>
    public int ChunkOffsetBytes(int chunk) => chunk * PanelStride * BlockFormat.ColumnBytes;
}

/// <summary>A chunk of a group: where it begins, counted from <c>chunks</c>, and its number; null: what the emitted variable <c>chunk</c> says.</summary>
internal readonly record struct BlockChunk(int OffsetBytes, int? Number)
{
    /// <summary>The text of the place in a row's record of byte <paramref name="offset"/> out of the <paramref name="bytes"/> that meet the chunk.</summary>
    public string Input(int row, int bytes, int offset)
        => Number is { } number ? $"&in{row}[{(number * bytes) + offset}]" : offset == 0 ? $"&in{row}[chunk * {bytes}]" : $"&in{row}[(chunk * {bytes}) + {offset}]";
}

/// <summary>
/// How an instruction set multiplies the integers of a group. However it does it, the sum is the same integer: Σ q[k] · x[k] over the group.
/// <para>Emitted text may use: <c>chunks</c>, the group's first chunk at the tile's first column (byte*; in a loop over the chunks the one at hand); <c>in0</c>, <c>in1</c> …, each row's record of the group (byte*):
/// integers, then at <see cref="BlockFormat.ScaleOffsetBytes"/> the scale, then at <see cref="BlockFormat.CorrectionOffsetBytes"/> what else the instruction set wants to know.</para>
/// </summary>
internal abstract class BlockDot
{
    /// <summary>A condition that the processor must meet besides those of the instruction set; null: none.</summary>
    public virtual string? Guard => null;

    /// <summary>What takes over, tile by tile, where <see cref="Guard"/> does not hold. <see cref="WriteRecord"/> writes what it reads there.</summary>
    public virtual BlockDot? Fallback => null;

    /// <summary>Columns whose sums share a register.</summary>
    public virtual int LanesOfSum(VectorTarget target) => target.Lanes;

    /// <summary>Declarations before the loop of a tile.</summary>
    public abstract IEnumerable<string> TileConstants(VectorTarget target, BlockFormat format);

    /// <summary>
    /// Writes the products of a group, by <see cref="BlockTile.WriteChunks"/> where the plan may want a loop of it; afterwards <see cref="Sum"/> gives each sum, and <c>chunks</c> is
    /// <see cref="BlockTile.StepBytes"/> before the next group's.
    /// </summary>
    public abstract void WriteGroup(KernelSet set, SourceWriter writer, BlockTile tile);

    /// <summary>The text of the 32-bit sums of a row and a register of columns.</summary>
    public virtual string Sum(VectorTarget target, BlockFormat format, int row, int register) => $"i{row}_{register}";

    /// <summary>Writes a group's integers, given as 32-bit registers <paramref name="integers"/>, to the record at <c>record</c> (byte*).</summary>
    public abstract void WriteRecord(SourceWriter writer, VectorTarget target, BlockFormat format, IReadOnlyList<string> integers);

    /// <summary>Narrows registers of 32-bit integers, in order, to half as many of 16 bits, or to a quarter of 8.</summary>
    protected static IReadOnlyList<string> Narrow(SourceWriter writer, VectorTarget target, IReadOnlyList<string> registers, string name)
    {
        List<string> narrow = [];
        for (int i = 0; i < registers.Count; i += 2)
        {
            string second = i + 1 < registers.Count ? registers[i + 1] : registers[i];
            narrow.Add($"{name}{i / 2}");
            writer.Line($"var {narrow[^1]} = {target.Vector}.Narrow({registers[i]}, {second});");
        }

        return narrow;
    }
}

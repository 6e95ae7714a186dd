using ModelCompiler.Runtime.Memory;
using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// cos and sin of the rotary embeddings (arXiv 2104.09864), in blocks of <see cref="BlockPositions"/> positions that are computed when
/// a position in them is first used, and kept. Row of a position: [cos of each pair | sin of each pair], each padded with zeros to a
/// multiple of 16 floats: (cos, sin)(position · inverseFrequency) · attentionFactor, in double precision, rounded once to float.
/// </summary>
internal sealed unsafe class RopeCache : IDisposable
{
    /// <summary>Positions of a block.</summary>
    public const int BlockPositions = 64;

    private readonly IReadOnlyList<RopeFrequencies> tables;
    private readonly List<NativeBlock> blocks = [];
    private readonly NativeBlock? index;
    private readonly int blockCount;
    private int filledBlocks;

    /// <param name="tables">The model's tables.</param>
    /// <param name="contextLength">Positions 0 … contextLength − 1 can be asked for.</param>
    public RopeCache(IReadOnlyList<RopeFrequencies> tables, int contextLength)
    {
        this.tables = tables;
        blockCount = (int)(((long)contextLength + BlockPositions - 1) / BlockPositions);
        if (tables.Count == 0)
        {
            return;
        }

        foreach (RopeFrequencies table in tables)
        {
            double largest = table.InverseFrequencies.Max(Math.Abs) * contextLength;
            if (!(largest <= Trigonometry.MaxArgument))
            {
                throw new NotSupportedException($"A rotary table reaches {largest:g3} radians; at most {Trigonometry.MaxArgument:g3} are supported.");
            }
        }

        // Pointers to the blocks of each table, then to these lists, then the row length of each table.
        long pointers = (long)tables.Count * (blockCount + 1) * sizeof(float*);
        index = new NativeBlock(pointers + ((long)tables.Count * sizeof(int)), "the index of the rotary tables");
        float** lists = (float**)index.Pointer;
        Blocks = (float***)(lists + ((long)tables.Count * blockCount));
        RowFloats = (int*)(index.Bytes + pointers);
        for (int i = 0; i < tables.Count; i++)
        {
            Blocks[i] = lists + ((long)i * blockCount);
            RowFloats[i] = 2 * PaddedPairs(tables[i]);
        }
    }

    /// <summary>[table][position / 64]: the block of that position, or null when it is not yet filled.</summary>
    public float*** Blocks { get; }

    /// <summary>[table]: floats of a position's row.</summary>
    public int* RowFloats { get; }

    /// <summary>Fills the blocks of positions 0 … <paramref name="positions"/> − 1. Not while a step is running.</summary>
    public void Reserve(int positions)
    {
        int needed = (positions + BlockPositions - 1) / BlockPositions;
        for (; filledBlocks < needed && tables.Count > 0; filledBlocks++)
        {
            for (int table = 0; table < tables.Count; table++)
            {
                NativeBlock block = new((long)BlockPositions * RowFloats[table] * sizeof(float), "a rotary table");
                blocks.Add(block);
                Fill(tables[table], filledBlocks * BlockPositions, block.Floats, RowFloats[table]);
                Blocks[table][filledBlocks] = block.Floats;
            }
        }
    }

    /// <summary>Shows the tables to a worker.</summary>
    public void Attach(Worker worker)
    {
        worker.RopeBlocks = Blocks;
        worker.RopeRowFloats = RowFloats;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        blocks.ForEach(block => block.Dispose());
        index?.Dispose();
    }

    private static int PaddedPairs(RopeFrequencies table) => (table.InverseFrequencies.Count + 15) & ~15;

    private static void Fill(RopeFrequencies table, int firstPosition, float* block, int rowFloats)
    {
        for (int i = 0; i < BlockPositions; i++)
        {
            float* cosines = block + (i * rowFloats);
            float* sines = cosines + (rowFloats / 2);
            for (int pair = 0; pair < table.InverseFrequencies.Count; pair++)
            {
                (double sin, double cos) = Trigonometry.SinCos((firstPosition + i) * table.InverseFrequencies[pair]);
                cosines[pair] = (float)(cos * table.AttentionFactor);
                sines[pair] = (float)(sin * table.AttentionFactor);
            }
        }
    }
}

using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Plan;

/// <summary>The instruction sets that code is emitted for, best first. Names as in the runtime's enum.</summary>
public enum TargetSet
{
    Avx512,
    Avx2,
    Neon,
    Portable,
}

/// <summary>Which cache a line is asked into.</summary>
public enum PrefetchHint
{
    /// <summary>The second level.</summary>
    Second,

    /// <summary>The first level, and those below.</summary>
    First,

    /// <summary>The first level alone, as what is read once: it pushes nothing out of the second.</summary>
    Once,
}

/// <summary>What a tile asks for before it needs it: so many bytes ahead, 0 for nothing.</summary>
public readonly record struct ReadAhead(int Bytes, PrefetchHint Hint);

/// <summary>
/// How many rows (tokens) × columns (outputs) of a product are kept in registers at once. Each of the rows · columns / lanes accumulators is
/// one chain of fused multiply-adds; ten to twelve of them hide the latency.
/// </summary>
public static class TilePlan
{
    /// <summary>Most rows that a tile of any instruction set has.</summary>
    public const int MaxRows = 6;

    /// <summary>
    /// Rows of the full tile. AVX-512: 6 × 64 (24 accumulators, 4 weights, 1 broadcast of 32 registers); 8 × 48 is as
    /// fast but does not divide a panel of 64. AVX2: 6 × 16 (12 + 2 + 1 of 16). NEON: 4 × 16 (16 + 4 + 4 of 32);
    /// 6 × 16 would need 34. Formats that pack two inputs into a word keep four words and their masks in registers too: with 6 × 64 the
    /// JIT put up to five of them and an accumulator on the stack in the inner loop of AVX-512; 5 × 64 fits.
    /// </summary>
    public static int Rows(TargetSet target, WeightFormat format) => format is BlockFormat ? BlockTilePlan.Rows(target) : target switch
    {
        TargetSet.Avx512 => format.InputsPerGroup > 1 ? 5 : 6,
        TargetSet.Avx2 => 6,
        _ => 4,
    };

    /// <summary>
    /// Rows from which on a panel of a format that unpacks is unpacked once for all of them, instead of in registers by each tile. Measured with f16
    /// on AVX-512: blocks of 64 rows lost 6 % (15M) or won 3 % (GPT-2), blocks of 128 won 10 %, of 256 17 %.
    /// </summary>
    public const int UnpackRows = 96;

    /// <summary>
    /// How far ahead a tile asks for the numbers that it walks past: processors fetch ahead by themselves, but only to the end of a small page, and find the stream anew
    /// behind it. Measured with AVX-512 and one row.
    /// <para>Zen 4: decode in f32 2 to 10 % faster from memory, level to 24 % where the last-level cache holds a part. In 16 bits it was within noise from memory (bf16) or lost a
    /// third (f16), and lost 20 to 50 % from the cache; in 8 and 4 bits, and with AVX2 in f32, it won nothing or lost.</para>
    /// <para>Zen 5, for which <paramref name="recent"/> stands (<see cref="Emit.Targets.VectorTarget.Recent"/>): 4 KiB ahead into L1, from memory + 5 % (q4), + 6 and 11 % (q8), + 12 % (f16), bf16 level, f32
    /// + 8 % and level beside 2 KiB into L2; from the cache f16 + 12 %, else level. 2 KiB into L1 lost up to 5 % there. Into L1 alone, from memory: q8 another 2 to 6 %, q4 and f16 + 2, f32 + 1, bf16 level; from the
    /// last-level cache level: Zen 5's keeps what it holds. Intel's were not measured.</para>
    /// </summary>
    public static ReadAhead Ahead(TargetSet target, int rows, bool float32, bool recent)
        => target != TargetSet.Avx512 || rows != 1 ? default : recent ? new(4096, PrefetchHint.Once) : float32 ? new(2048, PrefetchHint.Second) : default;

    /// <summary>
    /// How far ahead a tile asks that reads the cache as it lies. Zen 4: float32 of one row, 3 to 8 % of a decode behind 900 tokens in q4 while memory read at 60 GB/s, nothing while it read at 35.
    /// Zen 5, Qwen3 in q4 behind 1,024 tokens, two rows: f32 + 1 %, bf16 + 3, q8 + 18; 15M, whose cache stays in the processor's, one row, behind 160: f32 + 4, q8 + 2: all asked into L1 alone. That
    /// is not what is done: more than <see cref="CacheRows"/> queries of a head pass over a page again (with two, f32 and q8, it is level). A page's last values ask for the next page, or for the first of the next head:
    /// beside asking behind them, in q4 Qwen3 behind 1,024 tokens + 2 % (f32) and + 1 (q8), GPT-2 behind 64 + 2, 15M with a cache in q8 + 2; on Zen 4 not measured.
    /// </summary>
    public static ReadAhead CacheAhead(TargetSet target, int rows, bool float32, bool recent)
        => target == TargetSet.Avx512 && recent ? new(4096, PrefetchHint.First) : Ahead(target, rows, float32, recent);

    /// <summary>
    /// Whether the lines that a tile is about to write are asked for before its product: a store waits for its line, and the queue of stores is shorter than a tile. Measured with AVX-512, 2 threads,
    /// 2,048 rows: + 1 to 2 % with 320 and 768 inputs, nothing with 3,072. So are those that an epilogue reads.
    /// </summary>
    public static bool PrefetchesOutputs(TargetSet target) => target == TargetSet.Avx512;

    /// <summary>Columns of a tile of <paramref name="rows"/> rows in a panel of <paramref name="columns"/>.</summary>
    public static int Columns(TargetSet target, int rows, int columns)
    {
        int widest = target switch
        {
            TargetSet.Avx512 => 64,
            TargetSet.Avx2 => rows switch { 1 => 64, 2 or 3 => 32, _ => 16 },
            _ => rows switch { 1 => 64, 2 => 32, _ => 16 },
        };
        while (columns % widest != 0)
        {
            widest -= 16;
        }

        return widest;
    }

    /// <summary>Most rows of a tile that reads the cache as it lies: the queries that share a key/value head at one position.</summary>
    public const int CacheRows = 4;

    /// <summary>
    /// Columns of such a tile: of one row as many as give eight chains, which hide the latency and read what follows in memory. Where numbers
    /// have scales, these and the words that they belong to are in registers too. Whole groups of 32, or half of one, or all columns.
    /// </summary>
    public static int CacheColumns(TargetSet target, int rows, int columns, bool scaled)
    {
        int widest = target switch
        {
            TargetSet.Avx512 => rows <= 2 ? 128 : 64,
            _ => rows switch { 1 => scaled ? 32 : 64, 2 => scaled ? 16 : 32, _ => 16 },
        };
        while (columns % widest != 0 || (widest % 32 != 0 && widest != 16 && widest != columns))
        {
            widest -= 16;
        }

        return widest;
    }

    /// <summary>
    /// Most inputs for each turn of a tile's loop over a fixed number of them. One row on AVX-512 waits for memory, and part of what the processor fetches by itself it finds by instruction, from
    /// load to load: presumably it follows few loads and loses many. Zen 5, 4 instead of 8, from memory: f32, bf16, f16 + 2 to 3 %, 15M f32 (a part in the cache) + 10 %; from the cache
    /// bf16 level; 2 and 1: up to 3 % less. Zen 4 was not measured, only Zen 5 as if it were one, with AVX-VNNI switched off: f32 + 4 %, bf16 level.
    /// </summary>
    public static int MostInputsPerTurn(TargetSet target, int rows) => target == TargetSet.Avx512 && rows == 1 ? 4 : 8;

    /// <summary>
    /// Inputs for each turn of a tile's loop: enough that its overhead hides behind some 32 multiply-adds, where <paramref name="most"/> lets it. Tiles are unrolled, never
    /// the whole inner dimension: a method stays far below the limits of the JIT.
    /// </summary>
    public static int InputsPerTurn(int least, int accumulators, int most)
    {
        int inputs = least;
        while (inputs * accumulators < 32 && inputs < most)
        {
            inputs *= 2;
        }

        return inputs;
    }
}

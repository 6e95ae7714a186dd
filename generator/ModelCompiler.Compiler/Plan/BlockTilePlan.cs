namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// Tiles of block formats. Each rows × register of a tile needs two accumulators: the integers of the group at hand and the floats of the groups before.
/// </summary>
public static class BlockTilePlan
{
    /// <summary>AVX-512: 6 × 32 (24 accumulators, 4 weights, inputs, constants of 32 registers), by the dot-product extension 6 × 16. AVX2: 5 × 8 of 16. NEON: 4 × 8 of 32, each row's inputs in a register of their own.</summary>
    public static int Rows(TargetSet target) => target switch
    {
        TargetSet.Avx512 => 6,
        TargetSet.Avx2 => 5,
        TargetSet.Neon => 4,
        _ => 2,
    };

    /// <summary>
    /// Whether a tile of <paramref name="rows"/> rows walks the chunks of a group in a loop instead of one after the other. What waits for memory should have few loads (as
    /// <see cref="TilePlan.MostInputsPerTurn"/> tells): one row in 8 bits, Zen 5, from memory + 5 and 6 %, from the last-level cache + 6 %. In 4 bits, whose group has half as many loads, − 1 to − 7 %; with AVX2, whose tile takes half of a panel's columns, − 3 to − 12 % (4 bits − 20 and + 3). Zen 4 was not measured, only Zen 5 as if it were one, with AVX-VNNI
    /// switched off: from memory + 29 %, from the cache + 6.
    /// </summary>
    public static bool LoopsOverChunks(TargetSet target, int bits, int rows) => target == TargetSet.Avx512 && bits == 8 && rows == 1;

    /// <summary>
    /// Columns that a tile of <paramref name="rows"/> rows takes at once in a panel of <paramref name="columns"/>, where the sums of <paramref name="lanesOfSum"/> columns share a register. On AVX-512
    /// sums of eight are the dot-product extension's, whose own encoding reaches only 16 registers.
    /// </summary>
    public static int Columns(TargetSet target, int lanesOfSum, int rows, int columns)
    {
        int widest = target switch
        {
            TargetSet.Avx512 when lanesOfSum == 8 => rows switch { 1 => 64, 2 or 3 => 32, _ => 16 },
            TargetSet.Avx512 => rows <= 2 ? 64 : 32,
            TargetSet.Portable => 8,
            _ => rows switch { 1 => 32, 2 => 16, _ => 8 },
        };
        while (columns % widest != 0)
        {
            widest /= 2;
        }

        return widest;
    }
}

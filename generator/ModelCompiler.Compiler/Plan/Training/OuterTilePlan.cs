namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>
/// How dW[inputs × outputs] += Σ over rows x[row, input] · dy[row, output] is cut. A tile is that of a product with the roles of rows and inputs
/// exchanged, so it has the shape of <see cref="TilePlan"/>: inputs where rows are there, outputs across the lanes, rows as the inner dimension.
/// </summary>
public static class OuterTilePlan
{
    /// <summary>
    /// Rows whose dy columns are copied together: 64 outputs of them stay in the first-level cache while tile after tile of inputs passes.
    /// </summary>
    public const int RowBlock = 64;

    /// <summary>A block of inputs is a multiple of this: whole cache lines. What is left behind its tiles of six is a tile of two or four.</summary>
    private const int InputMultiple = 16;

    private const int LineFloats = 16;

    /// <summary>Fewer inputs would have little to multiply for each column of dy that is copied.</summary>
    private const int LeastInputs = 80;

    /// <summary>
    /// Items that a stage should have at least, and an even number of them where a cut gives one, so that the last one to finish costs little. No more than needed: each item copies dy's columns again.
    /// </summary>
    private const int WantedItems = 30;

    /// <summary>From so many on, one item more for one of two workers is a sixtieth of its work, or less.</summary>
    private const int ManyItems = 4 * WantedItems;

    /// <summary>
    /// Whether the next rows of dy are asked for while tiles pass: each lies on a page of its own, and the copy waited for memory a twentieth of the time. Measured with AVX-512,
    /// 2 threads, 2,048 rows: + 4 to 5 % with 320 inputs, + 1.5 % with 864.
    /// </summary>
    public static bool Prefetches(TargetSet target) => target == TargetSet.Avx512;

    /// <summary>
    /// Floats of the next tile's sums that are asked for behind each turn of <paramref name="rows"/> rows, so that all <paramref name="sums"/> of them are there when a block of rows is through (attention's dk and dv are such sums, too); 0: none.
    /// They come from the second-level cache, and a tile is short: measured as above, + 0 to 2 % with 320 inputs, + 3 % where a block has few rows (the head).
    /// </summary>
    public static int SumsAhead(TargetSet target, int sums, int rows)
        => Prefetches(target) ? ((sums * rows / RowBlock) + LineFloats - 1) / LineFloats * LineFloats : 0;

    /// <summary>Inputs of an item of a weight gradient of <paramref name="panels"/> panels: all, or equal blocks of 80 and more.</summary>
    public static int InputBlock(int inputs, int panels)
    {
        int Items(int block) => panels * ((inputs + block - 1) / block);
        int[] blocks = [.. Enumerable.Range(1, Math.Max(1, inputs / LeastInputs)).Select(count => Block(inputs, count))];
        return blocks.Where(block => Items(block) >= WantedItems && (Items(block) % 2 == 0 || Items(block) >= ManyItems)).DefaultIfEmpty(blocks[^1]).First();
    }

    private static int Block(int inputs, int count)
    {
        int each = (inputs + count - 1) / count;
        return Math.Min((each + InputMultiple - 1) / InputMultiple * InputMultiple, inputs);
    }
}

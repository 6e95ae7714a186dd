namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>
/// How attention within a sequence is cut, and where its parts lie in a worker's scratch. Positions come in pages of 64, keys (and values, for the gradient) transposed:
/// [page][headDim × 64]. Scores of a row are as many floats as there are positions in whole pages, and <see cref="ScorePad"/>.
/// </summary>
/// <param name="HeadStride">Padded size of a head.</param>
public sealed record TrainingAttentionPlan(int HeadStride)
{
    /// <summary>Positions of a page, and rows of a block of the gradient, which begins where a page does.</summary>
    public const int PageRows = 64;

    /// <summary>Positions that a tile of rows takes at least of the last page that it sees: half a page, since on average half of the last one is not visible.</summary>
    public const int PageColumns = 32;

    /// <summary>
    /// Floats between rows of scores beyond the positions: rows a multiple of a page apart would share a few sets of the first-level cache, and the sums of outer products read them
    /// column by column.
    /// </summary>
    public const int ScorePad = 16;

    /// <summary>Factors, one for each row of a tile.</summary>
    public const int Factors = 16;

    /// <summary>Forward: transposed keys and values for each position, and the scores of a tile of rows.</summary>
    public int ForwardFloatsPerPosition => (2 * HeadStride) + TilePlan.MaxRows;

    /// <summary>Of the scores' pads.</summary>
    public static int ForwardFloats => Factors + (TilePlan.MaxRows * ScorePad);

    /// <summary>Gradient: keys, transposed keys and values, dk and dv for each position; two scores for each row of a block, and what the soft cap bent.</summary>
    public int GradientFloatsPerPosition => (5 * HeadStride) + (2 * PageRows) + 1;

    /// <summary>Of the scores' pads.</summary>
    public static int GradientFloats => 2 * PageRows * ScorePad;
}

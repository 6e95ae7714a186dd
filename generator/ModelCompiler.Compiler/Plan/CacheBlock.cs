using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Plan;

/// <summary>The one page size of the key/value cache.</summary>
public static class CachePage
{
    /// <summary>Positions in a page: the columns of a panel, so that scores of a page are one tile product.</summary>
    public const int Positions = 64;
}

/// <summary>
/// What a cache page holds for one key/value head of one layer, in 32-bit words of n = <see cref="CacheFormat.NumbersPerWord"/> codes:
/// <list type="bullet">
/// <item>keys, word[(i / n) · 64 + p]: elements i … i + n − 1 of position p;</item>
/// <item>their scales, word[(g / 2) · 64 + p]: groups g and g + 1 of position p, as bfloat16; then those of the values, alike;</item>
/// <item>values, word[(p / n) · headDim + i]: element i of positions p … p + n − 1.</item>
/// </list>
/// </summary>
/// <param name="Format">How numbers are coded.</param>
/// <param name="HeadDim">Elements of a head, padded to a multiple of 16.</param>
public sealed record CacheBlock(CacheFormat Format, int HeadDim)
{
    /// <summary>Groups of a head that have a scale; the last may be shorter than the others.</summary>
    public int Groups => Format.GroupSize == 0 ? 0 : (HeadDim + Format.GroupSize - 1) / Format.GroupSize;

    /// <summary>Rows of 64 words that hold the scales of the keys, and as many those of the values.</summary>
    public int ScaleRows => (Groups + 1) / 2;

    /// <summary>Rows of 64 words, one for each position, before the values.</summary>
    public int PositionRows => (HeadDim / Format.NumbersPerWord) + (2 * ScaleRows);

    /// <summary>Where the scales begin: the keys', then the values'.</summary>
    public int ScalesOffsetBytes => HeadDim / Format.NumbersPerWord * RowBytes;

    /// <summary>Where the values begin.</summary>
    public int ValuesOffsetBytes => PositionRows * RowBytes;

    /// <summary>A multiple of 64.</summary>
    public int LengthBytes => checked(ValuesOffsetBytes + (CachePage.Positions / Format.NumbersPerWord * HeadDim * sizeof(uint)));

    /// <summary>Bytes of a row of 64 words.</summary>
    public const int RowBytes = CachePage.Positions * sizeof(uint);

    /// <summary>Where the scale of a group lies, in 16-bit numbers from that of group 0 of the same position on.</summary>
    public static int ScaleIndex(int group) => (group / 2 * CachePage.Positions * 2) + (group % 2);
}

/// <summary>
/// Attention's part of each worker's local scratch, in floats from <see cref="LocalScratch.Attention"/> on. It serves a block of rows: the
/// queries of one key/value head at some consecutive positions, head after head of the group.
/// </summary>
/// <param name="Block">The cache that is read.</param>
/// <param name="Group">Query heads that share a key/value head.</param>
public sealed record AttentionScratch(CacheBlock Block, int Group)
{
    /// <summary>Floats of a row's softmax state: the maximum, and from 16 on the sum in sixteen lanes.</summary>
    public const int StateFloats = 32;

    /// <summary>
    /// Most positions of a block: whole tiles of 6 and 4 rows, some 48 rows with all heads of the group. A page is taken apart once for a
    /// block and read from the L2 cache; more rows no longer pay for the scratch that they displace there.
    /// </summary>
    public int Positions => Math.Max(12, 48 / Group / 12 * 12);

    /// <summary>Rows of a block: those of all positions, or of one alone.</summary>
    public int Rows => Group * Positions;

    /// <summary>[rows × 64]: scores of a page, then weights. Before attention: the codes of a head on their way to the cache.</summary>
    public int Scores => LocalScratch.Attention;

    /// <summary>[rows × padded head]: weighted sums of values.</summary>
    public int Sums => Scores + Math.Max(Rows * CachePage.Positions, Block.HeadDim);

    /// <summary>[rows × <see cref="StateFloats"/>].</summary>
    public int States => Sums + (Rows * Block.HeadDim);

    /// <summary>Scales of a page, [group × 64]: the keys', from <see cref="ValueScales"/> on the values'.</summary>
    public int Scales => States + (Rows * StateFloats);

    /// <summary>Where the scales of the values are, from <see cref="Scales"/> on.</summary>
    public int ValueScales => 2 * Block.ScaleRows * CachePage.Positions;

    /// <summary>A page taken apart: keys [padded head × 64], values [64 × padded head]. An f32 cache is read where it lies.</summary>
    public int Page => Scales + (2 * ValueScales);

    /// <summary>The first float behind.</summary>
    public int End => Page + (Block.Format.NumbersPerWord == 1 ? 0 : 2 * CachePage.Positions * Block.HeadDim);
}

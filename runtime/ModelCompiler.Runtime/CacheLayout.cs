namespace ModelCompiler.Runtime;

/// <summary>
/// Where a position's numbers are in a page of the key/value cache, so far as the runtime has to know: to forget them, and to carry them over from another processor. A page holds 64
/// positions in blocks, one for each key/value head of each layer, of 32-bit words: first rows of 64 words, each of which belongs to one position
/// (keys, scales), then rows of <paramref name="headWords"/> words, each of which belongs to <paramref name="positionsPerWord"/> positions, the first in its lowest bits (values).
/// </summary>
/// <param name="format">Name of the format, such as <c>bf16</c>.</param>
/// <param name="blocks">Key/value heads of all layers.</param>
/// <param name="positionRows">Rows of 64 words.</param>
/// <param name="headWords">Words of a row of values: a multiple of 16.</param>
/// <param name="positionsPerWord">1, 2 or 4.</param>
public sealed partial class CacheLayout(string format, int blocks, int positionRows, int headWords, int positionsPerWord)
{
    /// <summary>Positions of a page.</summary>
    public const int PagePositions = 64;

    /// <summary>What numbers are rounded to.</summary>
    public string Format { get; } = format;

    /// <summary>Bytes of a page: 64 positions of all layers.</summary>
    public long PageBytes => blocks * BlockWords * sizeof(uint);

    internal long BlockWords => ((long)positionRows * PagePositions) + (PagePositions / positionsPerWord * headWords);

    /// <summary>Makes everything from a position of the page on zero.</summary>
    internal unsafe void Clear(byte* page, int position)
    {
        uint* words = (uint*)page;
        for (int block = 0; block < blocks; block++, words += BlockWords)
        {
            for (int row = 0; row < positionRows; row++)
            {
                new Span<uint>(words + (row * PagePositions) + position, PagePositions - position).Clear();
            }

            ClearValues(new Span<uint>(words + (positionRows * PagePositions), PagePositions / positionsPerWord * headWords), position);
        }
    }

    private void ClearValues(Span<uint> values, int position)
    {
        int kept = position % positionsPerWord;
        int row = position / positionsPerWord;
        if (kept > 0)
        {
            uint mask = (1u << (kept * 32 / positionsPerWord)) - 1;
            foreach (ref uint word in values.Slice(row * headWords, headWords))
            {
                word &= mask;
            }

            row++;
        }

        values[(row * headWords)..].Clear();
    }
}

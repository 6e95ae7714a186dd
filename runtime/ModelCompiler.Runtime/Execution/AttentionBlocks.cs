namespace ModelCompiler.Runtime.Execution;

/// <summary>How the rows of a step are cut into blocks that pass over their sequence's cache together. How they are cut changes no bit.</summary>
internal static unsafe class AttentionBlocks
{
    /// <summary>Blocks are multiples of this: whole tiles of 6 and 4 rows.</summary>
    private const int RowStep = 12;

    /// <summary>Blocks of all heads for each worker below which blocks are made smaller: late ones see more positions than early ones.</summary>
    private const int ItemsPerWorker = 4;

    /// <summary>Fills <paramref name="blocks"/>, which has room for as many blocks as there are rows, and returns their number.</summary>
    public static int Cut(ReadOnlySpan<SequenceSlice> slices, ModelDescription description, int workers, RowBlock* blocks)
    {
        int most = RowsPerBlock(slices, description, workers);
        int count = 0;
        foreach (ref readonly SequenceSlice slice in slices)
        {
            for (int row = 0; row < slice.Rows; row += most)
            {
                blocks[count++] = new RowBlock
                {
                    FirstRow = slice.FirstRow + row, Rows = Math.Min(most, slice.Rows - row), Position = slice.Position + row, Pages = slice.Pages,
                };
            }
        }

        return count;
    }

    private static int RowsPerBlock(ReadOnlySpan<SequenceSlice> slices, ModelDescription description, int workers)
    {
        long rows = 0;
        foreach (ref readonly SequenceSlice slice in slices)
        {
            rows += slice.Rows;
        }

        int most = description.AttentionPositions;
        while (workers > 1 && most > RowStep && rows * description.KvHeads < (long)most * workers * ItemsPerWorker)
        {
            most -= RowStep;
        }

        return most;
    }
}

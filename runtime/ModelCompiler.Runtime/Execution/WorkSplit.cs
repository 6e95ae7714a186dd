namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// How the product of some rows with some panels is cut into items that workers claim: by panel, and, where there are too few of those to keep
/// all workers busy to the end, by blocks of rows too. Items of one panel follow each other. Which worker computes an item changes no bit.
/// </summary>
public readonly struct WorkSplit
{
    /// <summary>Rows of a block are a multiple of this: whole tiles of 6 and 4 rows; a tile of 5 (AVX-512, 16-bit formats) leaves a short one at a block's end.</summary>
    private const int RowStep = 12;

    /// <summary>Items for each worker below which rows are cut as well.</summary>
    private const int ItemsPerWorker = 8;

    /// <summary>Blocks that the rows are cut into.</summary>
    public readonly int RowBlocks;

    /// <summary>Rows of all blocks but the last.</summary>
    public readonly int RowsPerBlock;

    /// <summary>Items to claim.</summary>
    public readonly int Items;

    /// <summary>Items to claim at once.</summary>
    public readonly int Grain;

    private WorkSplit(int rows, int panels, int workers)
    {
        RowBlocks = 1;
        RowsPerBlock = rows;
        int wanted = workers * ItemsPerWorker;
        if (workers > 1 && panels < wanted && rows > RowStep)
        {
            int blocks = Math.Min((wanted + panels - 1) / panels, (rows + RowStep - 1) / RowStep);
            RowsPerBlock = ((rows + blocks - 1) / blocks + RowStep - 1) / RowStep * RowStep;
            RowBlocks = (rows + RowsPerBlock - 1) / RowsPerBlock;
        }

        Items = panels * RowBlocks;
        Grain = Math.Max(1, Items / wanted);
    }

    /// <summary>The same for every worker of a step.</summary>
    public static WorkSplit Of(int rows, int panels, int workers) => new(rows, panels, workers);

    /// <summary>What item <paramref name="item"/> is: a panel, its first row and its rows.</summary>
    public void Locate(int item, int rows, out int panel, out int row, out int count)
    {
        panel = item / RowBlocks;
        row = (item - (panel * RowBlocks)) * RowsPerBlock;
        count = Math.Min(RowsPerBlock, rows - row);
    }
}

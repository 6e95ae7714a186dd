namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// How the product of some rows with some panels is cut into items that workers claim. A prompt is cut into blocks of rows first, one for
/// each worker: what a worker wrote into its rows it reads in the next stage (two cores that exchange rows through their caches lost 3 %
/// of a prompt of GPT-2), and all workers walk the panels in the same order at about the same time. A few rows stay together: there the
/// panels are what must be read once only. Items of one block follow each other, panel by panel. Which worker computes an item changes no bit.
/// </summary>
public readonly struct WorkSplit
{
    /// <summary>Tiles of rows below which a block does not pay for reading the panels once more.</summary>
    private const int TilesPerBlock = 5;

    /// <summary>Items for each worker below which rows are cut further.</summary>
    private const int ItemsPerWorker = 8;

    private const int LargeItemsPerWorker = 4;

    /// <summary>Blocks that the rows are cut into.</summary>
    public readonly int RowBlocks;

    /// <summary>Items to claim.</summary>
    public readonly int Items;

    /// <summary>Items to claim at once.</summary>
    public readonly int Grain;

    private readonly int panels;
    private readonly int tiles;
    private readonly int tileRows;

    private WorkSplit(int rows, int panels, int tileRows, int workers, int itemsPerWorker)
    {
        this.panels = panels;
        this.tileRows = tileRows;
        tiles = (rows + tileRows - 1) / tileRows;
        int blocksPerWorker = Math.Max(1, (itemsPerWorker + panels - 1) / panels);
        RowBlocks = workers == 1 ? 1 : Math.Clamp(tiles / TilesPerBlock, 1, workers * blocksPerWorker);
        Items = rows == 0 ? 0 : panels * RowBlocks;
        Grain = Math.Max(1, Items / (workers * itemsPerWorker));
    }

    /// <summary>The same for every worker of a step. Blocks begin at whole tiles of <paramref name="tileRows"/> rows.</summary>
    public static WorkSplit Of(int rows, int panels, int tileRows, int workers) => new(rows, panels, tileRows, workers, ItemsPerWorker);

    /// <summary>The same where each item begins with work of its own (turning a panel), so that fewer and larger ones are better.</summary>
    public static WorkSplit OfLarge(int rows, int panels, int tileRows, int workers) => new(rows, panels, tileRows, workers, LargeItemsPerWorker);

    /// <summary>What item <paramref name="item"/> is: a panel, its first row and its rows.</summary>
    public void Locate(int item, int rows, out int panel, out int row, out int count)
    {
        int block = item / panels;
        panel = item - (block * panels);
        row = tiles * block / RowBlocks * tileRows;
        count = Math.Min(tiles * (block + 1) / RowBlocks * tileRows, rows) - row;
    }
}

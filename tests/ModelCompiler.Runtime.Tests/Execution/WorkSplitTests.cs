using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Tests.Execution;

public sealed class WorkSplitTests
{
    [Fact]
    public void EveryRowOfEveryPanelIsInExactlyOneItem()
    {
        int[] rowCounts = [.. Enumerable.Range(1, 50), 63, 64, 65, 119, 120, 121, 127, 128, 512];
        int[] panelCounts = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 100, 667];
        foreach (int workers in (int[])[1, 2, 3, 4, 7, 16, 64])
        {
            foreach (int panels in panelCounts)
            {
                foreach (int rows in rowCounts)
                {
                    CheckCover(rows, panels, 4, workers);
                    CheckCover(rows, panels, 5, workers);
                    CheckCover(rows, panels, 6, workers);
                }
            }
        }
    }

    [Theory]
    [InlineData(128, 1, 2)] // One panel: its rows are cut for both workers.
    [InlineData(128, 12, 4)]
    [InlineData(512, 64, 2)] // Panels enough, but each worker has rows of its own.
    public void PromptsAreCutIntoBlocksOfRows(int rows, int panels, int workers)
    {
        WorkSplit split = WorkSplit.Of(rows, panels, 6, workers);
        Assert.True(split.RowBlocks > 1);
        Assert.True(split.Items >= 2 * workers, $"{split.Items} items for {workers} workers");
    }

    [Theory]
    [InlineData(128, 1, 1)] // One worker.
    [InlineData(1, 500, 8)] // Decode.
    [InlineData(32, 64, 8)] // A batch: its panels are read once.
    public void RowsStayTogetherWhereCuttingGainsNothing(int rows, int panels, int workers)
    {
        WorkSplit split = WorkSplit.Of(rows, panels, 6, workers);
        Assert.Equal((1, panels), (split.RowBlocks, split.Items));
    }

    private static void CheckCover(int rows, int panels, int tileRows, int workers)
    {
        string shape = $"{rows} rows, {panels} panels, tiles of {tileRows}, {workers} workers";
        WorkSplit split = WorkSplit.Of(rows, panels, tileRows, workers);
        int[] next = new int[panels];
        for (int item = 0; item < split.Items; item++)
        {
            split.Locate(item, rows, out int panel, out int row, out int count);
            Assert.True(panel == item % panels, $"{shape}: item {item} is of panel {panel}");
            Assert.True(row == next[panel] && count >= 1, $"{shape}: item {item} is {count} rows from {row}, expected to begin at {next[panel]}");
            next[panel] = row + count;
            Assert.True(next[panel] == rows || count % tileRows == 0, $"{shape}: a block of {count} rows that is not the last");
        }

        Assert.True(next.All(end => end == rows), $"{shape}: rows are left over");
        Assert.True(split.Grain >= 1 && (long)split.Grain * workers <= Math.Max(split.Items, workers), $"{shape}: a grain of {split.Grain} of {split.Items} items");
    }
}

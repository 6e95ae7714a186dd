using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Tests.Execution;

public unsafe class AttentionBlocksTests
{
    [Theory]
    [InlineData(1, new[] { 512 })]
    [InlineData(2, new[] { 512, 1, 1, 49 })]
    [InlineData(64, new[] { 3, 100, 1 })]
    [InlineData(64, new[] { 2 })]
    public void EveryRowIsInOneBlockOfItsSequence(int workers, int[] rowsOfSequences)
    {
        using FakeModel model = FakeModel.Load();
        SequenceSlice[] slices = new SequenceSlice[rowsOfSequences.Length];
        int rows = 0;
        for (int i = 0; i < slices.Length; i++)
        {
            slices[i] = new SequenceSlice { FirstRow = rows, Rows = rowsOfSequences[i], Position = 1000 * i, Pages = (byte**)(i + 1) };
            rows += rowsOfSequences[i];
        }

        RowBlock[] blocks = new RowBlock[rows];
        int count;
        fixed (RowBlock* first = blocks)
        {
            count = AttentionBlocks.Cut(slices, model.Description, workers, first);
        }

        int next = 0;
        foreach (RowBlock block in blocks.AsSpan(0, count))
        {
            SequenceSlice slice = slices[(nint)block.Pages - 1];
            Assert.Equal(next, block.FirstRow);
            Assert.InRange(block.Rows, 1, model.Description.AttentionPositions);
            Assert.Equal(slice.Position + block.FirstRow - slice.FirstRow, block.Position);
            Assert.InRange(block.FirstRow + block.Rows, 1, slice.FirstRow + slice.Rows);
            next += block.Rows;
        }

        Assert.Equal(rows, next);
    }

    [Fact]
    public void ManyWorkersGetSmallerBlocks()
    {
        using FakeModel model = FakeModel.Load();
        RowBlock* blocks = stackalloc RowBlock[96];
        SequenceSlice[] slices = [new SequenceSlice { Rows = 96 }];
        Assert.Equal(2, AttentionBlocks.Cut(slices, model.Description, 1, blocks));
        Assert.Equal(8, AttentionBlocks.Cut(slices, model.Description, 8, blocks));
    }
}

using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.Runtime.Execution;

/// <summary>The rows of a step, put together slice by slice: their tokens, positions and sequences, where emitted code finds them.</summary>
internal sealed unsafe class StepRows : IDisposable
{
    private readonly NativeBlock block;
    private readonly int* tokens;
    private readonly int* positions;
    private readonly int* rowSlices;
    private readonly SequenceSlice* slices;
    private int sliceCount;

    /// <param name="capacity">Most rows.</param>
    public StepRows(int capacity)
    {
        Capacity = capacity;
        block = new NativeBlock((long)capacity * ((3 * sizeof(int)) + sizeof(SequenceSlice)), "the rows of a step");
        slices = (SequenceSlice*)block.Pointer;
        tokens = (int*)(slices + capacity);
        positions = tokens + capacity;
        rowSlices = positions + capacity;
    }

    /// <summary>Most rows.</summary>
    public int Capacity { get; }

    /// <summary>Rows so far.</summary>
    public int Count { get; private set; }

    /// <summary>The position behind the last one of any sequence.</summary>
    public int EndPosition { get; private set; }

    /// <summary>True when every slice has one row.</summary>
    public bool SingleRows { get; private set; } = true;

    /// <summary>The sequences.</summary>
    public ReadOnlySpan<SequenceSlice> Slices => new(slices, sliceCount);

    /// <summary>Starts anew, without rows.</summary>
    public void Clear()
    {
        Count = 0;
        sliceCount = 0;
        EndPosition = 0;
        SingleRows = true;
    }

    /// <summary>Adds a sequence: <paramref name="slice"/> are its next tokens, at least one.</summary>
    /// <param name="pages">Its cache, or null.</param>
    /// <param name="position">Position of the first token.</param>
    /// <param name="slice">The tokens.</param>
    public void Add(byte** pages, int position, ReadOnlySpan<int> slice)
    {
        slices[sliceCount++] = new SequenceSlice { FirstRow = Count, Rows = slice.Length, Position = position, Pages = pages };
        SingleRows &= slice.Length == 1;
        EndPosition = Math.Max(EndPosition, position + slice.Length);
        for (int i = 0; i < slice.Length; i++, Count++)
        {
            tokens[Count] = slice[i];
            positions[Count] = position + i;
            rowSlices[Count] = sliceCount - 1;
        }
    }

    /// <summary>Shows the rows to a worker.</summary>
    public void Attach(Worker worker)
    {
        worker.Rows = Count;
        worker.Tokens = tokens;
        worker.Positions = positions;
        worker.Slices = slices;
        worker.SliceCount = sliceCount;
        worker.SingleRows = SingleRows;
        worker.RowSlices = rowSlices;
    }

    /// <inheritdoc/>
    public void Dispose() => block.Dispose();
}

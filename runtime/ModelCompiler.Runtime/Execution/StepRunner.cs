using ModelCompiler.Runtime.Memory;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// Puts steps together, slice by slice, and runs them on the model's workers. Owns what steps need and sessions do not: threads,
/// scratch, rotary tables, the frame's arrays. One step at a time; the model's lock sees to that.
/// </summary>
internal sealed unsafe class StepRunner : IDisposable
{
    /// <summary>
    /// Weight bytes of a layer below which another worker does not pay. Measured with 2 workers on a Zen 4: a barrier costs 30 to 80 ns
    /// while both run and some µs when they do not, a layer has about 7, and 128 KiB of weights stream from the second-level cache in 3 µs.
    /// </summary>
    private const long LayerBytesPerWorker = 128 << 10;

    private readonly ModelDescription description;
    private readonly byte* weights;
    private readonly int maxRows;
    private readonly bool alwaysUseAllThreads;
    private readonly WorkerPool pool;
    private readonly RopeCache rope;
    private readonly Scratch singleRow;
    private readonly Scratch manyRows;
    private readonly NativeBlock frame;
    private readonly int* tokens;
    private readonly int* positions;
    private readonly int* logitRowIndices;
    private readonly int* rowSlices;
    private readonly SequenceSlice* slices;
    private readonly RowBlock* blocks;
    private NativeBlock? sharedLogits;
    private int rows;
    private int sliceCount;
    private int logitRows;
    private int endPosition;
    private bool singleRows;

    public StepRunner(ModelDescription description, LoadOptions options, byte* weights)
    {
        this.description = description;
        this.weights = weights;
        maxRows = options.ChoosePromptChunk(description.MaxRows);
        alwaysUseAllThreads = options.AlwaysUseAllThreads;
        pool = new WorkerPool(options.ChooseThreads(), description.Name);
        rope = new RopeCache(description.RopeTables, description.ContextLength);
        singleRow = new Scratch(description);
        manyRows = new Scratch(description);
        frame = new NativeBlock((long)maxRows * ((4 * sizeof(int)) + sizeof(SequenceSlice) + sizeof(RowBlock)), "the rows of a step");
        slices = (SequenceSlice*)frame.Pointer;
        blocks = (RowBlock*)(slices + maxRows);
        tokens = (int*)(blocks + maxRows);
        positions = tokens + maxRows;
        logitRowIndices = positions + maxRows;
        rowSlices = logitRowIndices + maxRows;
    }

    /// <summary>Most workers of a step.</summary>
    public int Threads => pool.Threads;

    /// <summary>Rows that the step being put together can still take.</summary>
    public int Room => maxRows - rows;

    /// <summary>Starts putting a step together.</summary>
    public void Begin()
    {
        rows = 0;
        sliceCount = 0;
        logitRows = 0;
        endPosition = 0;
        singleRows = true;
    }

    /// <summary>Adds a sequence: <paramref name="slice"/> are its next tokens, at least one and at most <see cref="Room"/>.</summary>
    /// <param name="pages">Its cache, with pages up to the last token's position.</param>
    /// <param name="position">Position of the first token.</param>
    /// <param name="slice">The tokens.</param>
    /// <param name="logits">Of which of these tokens.</param>
    public void Add(byte** pages, int position, ReadOnlySpan<int> slice, LogitsFor logits)
    {
        slices[sliceCount++] = new SequenceSlice { FirstRow = rows, Rows = slice.Length, Position = position, Pages = pages };
        singleRows &= slice.Length == 1;
        endPosition = Math.Max(endPosition, position + slice.Length);
        for (int i = 0; i < slice.Length; i++, rows++)
        {
            tokens[rows] = slice[i];
            positions[rows] = position + i;
            rowSlices[rows] = sliceCount - 1;
            if (logits == LogitsFor.All || (logits == LogitsFor.Last && i == slice.Length - 1))
            {
                logitRowIndices[logitRows++] = rows;
            }
        }
    }

    /// <summary>Runs the step.</summary>
    /// <param name="execute">The model's code.</param>
    /// <param name="logits">Where the logits go: [rows that ask for them × VocabStride]. Null: to memory of the runner.</param>
    /// <param name="look">What of it is kept, or which part of the model it is.</param>
    /// <returns>Where they went; the runner's memory is good until the next step. Null when no row asked for any.</returns>
    public float* Run(Action<Worker> execute, float* logits, StepLook look = default)
    {
        int count = ChooseWorkers();
        rope.Reserve(endPosition);
        int blockCount = singleRows ? 0 : AttentionBlocks.Cut(new(slices, sliceCount), description, count, blocks);
        Scratch scratch = rows == 1 ? singleRow : manyRows;
        scratch.Reserve(rows, count);
        logits = logitRows == 0 ? null : logits is null ? ReserveLogits() : logits;
        foreach (Worker worker in pool.Workers[..count])
        {
            worker.Weights = weights;
            worker.Rows = rows;
            worker.Tokens = tokens;
            worker.Positions = positions;
            worker.Slices = slices;
            worker.SliceCount = sliceCount;
            worker.SingleRows = singleRows;
            worker.Blocks = blocks;
            worker.BlockCount = blockCount;
            worker.RowSlices = rowSlices;
            worker.LogitRows = logitRows;
            worker.LogitRowIndices = logitRowIndices;
            worker.Logits = logits;
            worker.RopeBlocks = rope.Blocks;
            worker.RopeRowFloats = rope.RowFloats;
            worker.Trace = look.Trace;
            worker.Given = look.Given;
            worker.VectorsOnly = look.VectorsOnly;
            scratch.Attach(worker);
        }

        pool.Run(count, execute);
        return logits;
    }

    /// <summary>Lets the threads end. No step can follow.</summary>
    public void StopThreads() => pool.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        pool.Dispose();
        rope.Dispose();
        singleRow.Dispose();
        manyRows.Dispose();
        frame.Dispose();
        sharedLogits?.Dispose();
    }

    private float* ReserveLogits()
    {
        long needed = 4L * logitRows * description.VocabStride;
        if (sharedLogits is null || sharedLogits.LengthBytes < needed)
        {
            sharedLogits?.Dispose();
            sharedLogits = null;
            sharedLogits = new NativeBlock(needed, $"the logits of {logitRows} rows");
        }

        return sharedLogits.Floats;
    }

    private int ChooseWorkers()
    {
        if (alwaysUseAllThreads)
        {
            return pool.Threads;
        }

        long layerBytes = description.BytesPerToken / Math.Max(description.Layers, 1) * rows;
        return (int)Math.Clamp(layerBytes / LayerBytesPerWorker, 1, pool.Threads);
    }
}

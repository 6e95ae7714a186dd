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
    private readonly byte* adapter;
    private readonly bool alwaysUseAllThreads;
    private readonly WorkerPool pool;
    private readonly RopeCache rope;
    private readonly Scratch singleRow;
    private readonly Scratch manyRows;
    private readonly StepRows rows;
    private readonly NativeBlock frame;
    private readonly int* logitRowIndices;
    private readonly RowBlock* blocks;
    private NativeBlock? sharedLogits;
    private int logitRows;

    public StepRunner(ModelDescription description, LoadOptions options, byte* weights, byte* adapter)
    {
        this.description = description;
        this.weights = weights;
        this.adapter = adapter;
        int maxRows = options.ChoosePromptChunk(description.MaxRows);
        alwaysUseAllThreads = options.AlwaysUseAllThreads;
        pool = new WorkerPool(options.ChooseThreads(), description.Name);
        rope = new RopeCache(description.RopeTables, description.ContextLength);
        singleRow = new Scratch(description.Name, description.ArenaFloatsPerRow, description.LocalFloats);
        manyRows = new Scratch(description.Name, description.ArenaFloatsPerRow, description.LocalFloats);
        rows = new StepRows(maxRows);
        frame = new NativeBlock((long)maxRows * (sizeof(int) + sizeof(RowBlock)), "the blocks of rows of a step");
        blocks = (RowBlock*)frame.Pointer;
        logitRowIndices = (int*)(blocks + maxRows);
    }

    /// <summary>Most workers of a step.</summary>
    public int Threads => pool.Threads;

    /// <summary>Rows that the step being put together can still take.</summary>
    public int Room => rows.Capacity - rows.Count;

    /// <summary>Starts putting a step together.</summary>
    public void Begin()
    {
        rows.Clear();
        logitRows = 0;
    }

    /// <summary>Adds a sequence: <paramref name="slice"/> are its next tokens, at least one and at most <see cref="Room"/>.</summary>
    /// <param name="pages">Its cache, with pages up to the last token's position.</param>
    /// <param name="position">Position of the first token.</param>
    /// <param name="slice">The tokens.</param>
    /// <param name="logits">Of which of these tokens.</param>
    public void Add(byte** pages, int position, ReadOnlySpan<int> slice, LogitsFor logits)
    {
        int first = rows.Count;
        rows.Add(pages, position, slice);
        for (int row = logits == LogitsFor.Last ? rows.Count - 1 : first; logits != LogitsFor.None && row < rows.Count; row++)
        {
            logitRowIndices[logitRows++] = row;
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
        rope.Reserve(rows.EndPosition);
        int blockCount = rows.SingleRows ? 0 : AttentionBlocks.Cut(rows.Slices, description, count, blocks);
        Scratch scratch = rows.Count == 1 ? singleRow : manyRows;
        int laidOut = LayOut(rows.Count);
        scratch.Reserve(laidOut, (long)description.LocalFloatsPerRow * laidOut, count);
        logits = logitRows == 0 ? null : logits is null ? ReserveLogits() : logits;
        foreach (Worker worker in pool.Workers[..count])
        {
            worker.Weights = weights;
            worker.Trainable = adapter;
            rows.Attach(worker);
            worker.Blocks = blocks;
            worker.BlockCount = blockCount;
            worker.LogitRows = logitRows;
            worker.LogitRowIndices = logitRowIndices;
            worker.Logits = logits;
            rope.Attach(worker);
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
        rows.Dispose();
        frame.Dispose();
        sharedLogits?.Dispose();
    }

    /// <summary>Rows that scratch is laid out for, in sizes that few steps outgrow.</summary>
    private int LayOut(int count)
        => count == 1 ? 1 : Math.Min(Math.Max(description.MaxRows, count), (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count));

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

        long layerBytes = description.BytesPerToken / Math.Max(description.Layers, 1) * rows.Count;
        return (int)Math.Clamp(layerBytes / LayerBytesPerWorker, 1, pool.Threads);
    }
}

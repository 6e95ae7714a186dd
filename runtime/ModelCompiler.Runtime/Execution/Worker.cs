namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// What one thread of a step sees. Every worker of a step runs the same emitted code over the same frame
/// (single program, multiple data): it claims items of the current stage with <see cref="Next"/>, and crosses a
/// <see cref="Barrier"/> where a stage reads what other workers wrote. Fields instead of properties: emitted loops read them.
/// </summary>
public sealed unsafe class Worker
{
    /// <summary>0 … Count − 1.</summary>
    public int Index;

    /// <summary>Workers taking part in this step.</summary>
    public int Count = 1;

    /// <summary>The data section of the packed weights, 64-byte aligned unless embedded.</summary>
    public byte* Weights;

    /// <summary>Tokens in this step, of all sequences together.</summary>
    public int Rows;

    /// <summary>[Rows] token ids.</summary>
    public int* Tokens;

    /// <summary>[Rows] absolute position of each token in its sequence.</summary>
    public int* Positions;

    /// <summary>[SliceCount] the sequences of this step; their rows follow each other.</summary>
    public SequenceSlice* Slices;

    /// <summary>Number of sequences in this step.</summary>
    public int SliceCount;

    /// <summary>True when every slice has one row (decode).</summary>
    public bool SingleRows;

    /// <summary>[BlockCount] the rows of this step in blocks that attend together, ascending. Only where <see cref="SingleRows"/> is false.</summary>
    public RowBlock* Blocks;

    /// <summary>Number of blocks.</summary>
    public int BlockCount;

    /// <summary>Scratch shared by all workers. A value that the plan put at offset o (floats per row) lies at Arena + o · ArenaRows.</summary>
    public float* Arena;

    /// <summary>Rows that the arena was laid out for: at least Rows.</summary>
    public int ArenaRows;

    /// <summary>Scratch of this worker alone: ModelDescription.LocalFloats + LocalFloatsPerRow · ArenaRows floats, 64-byte aligned.</summary>
    public float* Local;

    /// <summary>The part of <see cref="Local"/> that grows with the step: LocalFloatsPerRow · ArenaRows floats, after the LocalFloats of fixed size.</summary>
    public float* LocalRows;

    /// <summary>Rows whose logits are asked for.</summary>
    public int LogitRows;

    /// <summary>[LogitRows] their row numbers, ascending.</summary>
    public int* LogitRowIndices;

    /// <summary>[LogitRows × ModelDescription.VocabStride], row by row.</summary>
    public float* Logits;

    /// <summary>Parameters being trained, float32 in the layout of packed weights, 64-byte aligned; or adapters.</summary>
    public byte* Trainable;

    /// <summary>Training: the gradient of each of them, at the same place. Steps add to it.</summary>
    public byte* Gradients;

    /// <summary>Training: [Rows] the token that each row should predict, or −1.</summary>
    public int* Targets;

    /// <summary>Training: [Rows] the loss of each row, in nats.</summary>
    public float* Losses;

    /// <summary>Training: what the gradient of each row's loss begins with, usually 1 / targets of the whole batch.</summary>
    public float LossScale;

    /// <summary>Training: the step ends with the losses; no gradients.</summary>
    public bool LossOnly;

    /// <summary>Where taps keep what a step computes; null: it is not looked into. Only of classes compiled with Trace.</summary>
    public StepTrace? Trace;

    /// <summary>Not null: the step is the head alone, for these states [Rows × dim], its state 0. Only of classes compiled with Trace.</summary>
    public StepTrace? Given;

    /// <summary>The step ends with the vectors of its tokens, wherever they stand. Only of classes compiled with Trace.</summary>
    public bool VectorsOnly;

    internal int* RowSlices;
    internal float*** RopeBlocks;
    internal int* RopeRowFloats;

    private StepSynchronisation? synchronisation;
    private int cursor;
    private int helped;

    /// <summary>
    /// cos and sin of each pair for a position, times the table's attention factor: cosines at + 0, sines at + pairs rounded up to a
    /// multiple of 16; 64-byte aligned, zero between. Filled for every position of the step before it begins.
    /// Arguments: index of the table, absolute position.
    /// </summary>
    public float* Rope(int table, int position)
        => RopeBlocks[table][position / RopeCache.BlockPositions] + ((position % RopeCache.BlockPositions) * RopeRowFloats[table]);

    /// <summary>Ends a step that takes long at its next barrier.</summary>
    internal CancellationToken Cancellation;

    /// <summary>Waits until all workers of the step have come here, then starts a new stage. Whatever was written before is visible after.</summary>
    public void Barrier()
    {
        cursor = 0;
        helped = 0;
        if (Index == 0)
        {
            Cancellation.ThrowIfCancellationRequested(); // which takes the others out, too
        }

        if (Count > 1)
        {
            synchronisation!.Cross();
        }
    }

    /// <summary>
    /// Claims the next run of items of this stage: first … last − 1 out of 0 … total − 1, at most <paramref name="grain"/> of them.
    /// False when none are left. Each stage between two barriers claims from one total only.
    /// A worker's runs follow each other in memory until its own share, total / Count of them, is done; then it takes from the others' shares.
    /// </summary>
    public bool Next(int total, int grain, out int first, out int last)
    {
        if (Count == 1)
        {
            first = cursor;
            last = total - cursor <= grain ? total : cursor + grain;
            cursor = last;
            return first < last;
        }

        for (; helped < Count; helped++)
        {
            int owner = Index + helped < Count ? Index + helped : Index + helped - Count;
            if (synchronisation!.Claim(owner, helped == 0, total, grain, out first, out last))
            {
                return true;
            }
        }

        first = last = total;
        return false;
    }

    /// <summary>
    /// Moves the rows whose logits are asked for to the front: row LogitRowIndices[i] of <paramref name="value"/>, <paramref name="width"/>
    /// floats, becomes row i. Worker 0 does; <see cref="DropOtherRows"/> lets the others see it.
    /// </summary>
    public void MoveLogitRows(float* value, int stride, int width)
    {
        for (int i = 0; Index == 0 && i < LogitRows; i++)
        {
            if (LogitRowIndices[i] != i)
            {
                new Span<float>(value + ((nint)LogitRowIndices[i] * stride), width).CopyTo(new Span<float>(value + ((nint)i * stride), width));
            }
        }
    }

    /// <summary>The rest of the step is for the rows whose logits are asked for, which <see cref="MoveLogitRows"/> has moved. Attention cannot follow.</summary>
    public void DropOtherRows()
    {
        if (LogitRows < Rows)
        {
            Rows = LogitRows;
            Barrier();
        }
    }

    /// <summary>The sequence that a row of the step belongs to.</summary>
    public SequenceSlice* SliceOf(int row) => Slices + RowSlices[row];

    internal void Begin(int count, StepSynchronisation shared)
    {
        Count = count;
        synchronisation = shared;
        cursor = 0;
        helped = 0;
    }
}

/// <summary>The part of a step that belongs to one sequence.</summary>
public unsafe struct SequenceSlice
{
    /// <summary>First row of the step that is this sequence's.</summary>
    public int FirstRow;

    /// <summary>Its rows.</summary>
    public int Rows;

    /// <summary>Absolute position of its first row.</summary>
    public int Position;

    /// <summary>
    /// Its key/value cache: Pages[p / 64] holds positions 64·⌊p/64⌋ … of all layers, as ModelDescription.Cache tells, zero before
    /// first use.
    /// </summary>
    public byte** Pages;
}

/// <summary>Rows of one sequence, at positions that follow each other.</summary>
public unsafe struct RowBlock
{
    /// <summary>First row of the step.</summary>
    public int FirstRow;

    /// <summary>1 … ModelDescription.AttentionPositions.</summary>
    public int Rows;

    /// <summary>Absolute position of the first row.</summary>
    public int Position;

    /// <summary>The sequence's cache, as <see cref="SequenceSlice.Pages"/>.</summary>
    public byte** Pages;
}

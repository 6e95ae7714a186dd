using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// Runs training steps on a model's workers, and other work on its parameters. Owns what steps need: threads, activations, scratch, rotary
/// tables, the step's rows. One step at a time; the model's lock sees to that.
/// </summary>
internal sealed unsafe class TrainingRunner : IDisposable
{
    private const int PositionMultiple = 64;

    private readonly TrainingDescription description;
    private readonly WorkerPool pool;
    private readonly RopeCache rope;
    private readonly Scratch scratch;
    private readonly NativeBlock logits;
    private StepRows? rows;
    private NativeBlock? rowNumbers;
    private int* targets;
    private float* losses;

    public TrainingRunner(TrainingDescription description, int threads)
    {
        this.description = description;
        pool = new WorkerPool(threads, description.Name, longStages: true);
        rope = new RopeCache(description.RopeTables, description.ContextLength);
        scratch = new Scratch(description.Name, description.ArenaFloatsPerRow, description.LocalFloats);
        logits = new NativeBlock(Math.Max(4 * description.LogitsFloats, 64), $"the logits of a block of rows of model '{description.Name}'");
    }

    /// <summary>Workers of a step.</summary>
    public int Threads => pool.Threads;

    /// <summary>Runs <paramref name="execute"/> over a batch; <paramref name="frozen"/>: the weights that are not trained, or null. The losses are good until the next step.</summary>
    public ReadOnlySpan<float> Run(TrainingBatch batch, TrainableMemory memory, byte* frozen, float lossScale, bool lossOnly, Action<Worker> execute, CancellationToken cancellation)
    {
        int count = batch.Tokens.Length;
        Reserve(batch);
        rows!.Clear();
        for (int first = 0; first < count; first += batch.Length)
        {
            rows.Add(null, 0, batch.Tokens.Slice(first, batch.Length));
        }

        batch.Targets.CopyTo(new Span<int>(targets, count));
        foreach (Worker worker in pool.Workers)
        {
            rows.Attach(worker);
            rope.Attach(worker);
            scratch.Attach(worker);
            worker.Logits = logits.Floats;
            worker.Weights = frozen;
            worker.Trainable = memory.Parameters.Bytes;
            worker.Gradients = memory.Gradients.Bytes;
            worker.Targets = targets;
            worker.Losses = losses;
            worker.LossScale = lossScale;
            worker.LossOnly = lossOnly;
            worker.Cancellation = cancellation;
        }

        pool.Run(pool.Threads, execute);
        return new(losses, count);
    }

    /// <summary>Runs <paramref name="body"/> once for each of 0 … <paramref name="count"/> − 1, on all workers, in no order.</summary>
    public void ForEach(int count, Action<int> body) => pool.Run(Math.Clamp(count, 1, pool.Threads), worker =>
    {
        while (worker.Next(count, 1, out int first, out int last))
        {
            for (int i = first; i < last; i++)
            {
                body(i);
            }
        }
    });

    /// <summary>Lets the threads end. No step can follow.</summary>
    public void StopThreads() => pool.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        pool.Dispose();
        rope.Dispose();
        scratch.Dispose();
        logits.Dispose();
        rows?.Dispose();
        rowNumbers?.Dispose();
    }

    private void Reserve(TrainingBatch batch)
    {
        int count = batch.Tokens.Length;
        rope.Reserve(batch.Length);
        long positions = (batch.Length + PositionMultiple - 1) / PositionMultiple * PositionMultiple;
        scratch.Reserve(count, Math.Max((long)description.LocalFloatsPerRow * count, description.LocalFloatsPerPosition * positions), pool.Threads);
        if (rows is null || rows.Capacity < count)
        {
            rows?.Dispose();
            rowNumbers?.Dispose();
            rows = new StepRows(count);
            rowNumbers = new NativeBlock((long)count * (sizeof(int) + sizeof(float)), "the targets of a step");
            targets = (int*)rowNumbers.Pointer;
            losses = (float*)(targets + count);
        }
    }
}

/// <summary>The trained parameters and their gradients, in the layout of packed weights in f32, or that of adapters.</summary>
internal sealed class TrainableMemory(TrainingDescription description) : IDisposable
{
    public NativeBlock Parameters { get; } = new(Math.Max(description.ParametersLengthBytes, 64), $"the parameters of model '{description.Name}'");

    public NativeBlock Gradients { get; } = new(Math.Max(description.ParametersLengthBytes, 64), $"the gradients of model '{description.Name}'");

    /// <inheritdoc/>
    public void Dispose()
    {
        Parameters.Dispose();
        Gradients.Dispose();
    }
}

using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Weights;

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// Base of every emitted training class: parameters, their gradients, and steps that compute the one from the other. The emitted part supplies
/// <see cref="Execute"/>; this part is the same for all models. The same parameters and batches give the same bits, whatever the threads and the
/// instruction set. Calls from several threads take turns.
/// </summary>
public abstract unsafe partial class TrainableModel : IDisposable
{
    private readonly Lock stepLock = new();
    private readonly TrainableMemory memory;
    private readonly TrainingRunner runner;
    private readonly WeightsFile? frozen;
    private readonly Action<Worker> execute;
    private bool disposed;

    /// <summary>Called by the emitted class: takes memory for what is trained and its gradients, all 0, and opens the weights that stay as they are, if there are any.</summary>
    /// <exception cref="FileNotFoundException">The weights are not where they should be.</exception>
    /// <exception cref="WeightsFileException">They are not this model's, or damaged.</exception>
    /// <exception cref="PlatformNotSupportedException">This processor does not have the instruction set.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="OutOfMemoryException">Parameters and gradients do not fit.</exception>
    protected TrainableModel(TrainingDescription description, TrainingLoadOptions? options)
    {
        options ??= new TrainingLoadOptions();
        Description = description;
        try
        {
            InstructionSet = InstructionSets.Choose(description.InstructionSets, options.InstructionSet, Environment.GetEnvironmentVariable(InstructionSets.EnvironmentVariable));
            frozen = OpenFrozen(description, options);
            memory = new TrainableMemory(description);
            runner = new TrainingRunner(description, options.ChooseThreads());
            tensors = description.Tensors.ToDictionary(tensor => tensor.Name);
            execute = worker => Execute(InstructionSet, worker);
        }
        catch
        {
            memory?.Dispose();
            runner?.Dispose();
            frozen?.Dispose();
            GC.SuppressFinalize(this);
            throw;
        }
    }

    /// <summary>A forgotten model must not keep its threads; its memory frees itself.</summary>
    ~TrainableModel() => runner.StopThreads();

    /// <summary>The numbers of this model, and the tensors that are trained.</summary>
    public TrainingDescription Description { get; }

    /// <summary>The instruction set that it runs with.</summary>
    public InstructionSet InstructionSet { get; }

    /// <summary>Threads of a step.</summary>
    public int Threads => runner.Threads;

    /// <summary>
    /// Reads a batch, forward and backward: adds to the gradients lossScale · d(Σ losses). Several batches whose gradients are added before the
    /// parameters change (micro-batches) give the bits of one batch that has all their sequences, except for a table that is tied to the head: there the
    /// same numbers are added in another order.
    /// </summary>
    /// <param name="batch">Tokens and targets.</param>
    /// <param name="lossScale">Usually 1 / targets of all batches whose gradients are added, so that gradients are those of the mean loss.</param>
    /// <param name="cancellation">Gives the step up at its next barrier.</param>
    /// <returns>Σ of the losses, in nats: of −log p(target) over the rows that have a target, in order, in double precision. Not scaled.</returns>
    /// <exception cref="ArgumentException">The batch has tokens that the model does not know, or is longer than its context. Nothing has changed.</exception>
    /// <exception cref="NotFiniteLossException">A loss is not a number. The parameters have not changed; the gradients were cleared.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; once the step had begun, the gradients were cleared.</exception>
    public double ForwardBackward(TrainingBatch batch, float lossScale, CancellationToken cancellation = default)
    {
        if (!float.IsFinite(lossScale))
        {
            throw new ArgumentOutOfRangeException(nameof(lossScale), lossScale, "Found a scale that is not finite.");
        }

        return Run(batch, lossScale, lossOnly: false, cancellation);
    }

    /// <summary>Reads a batch forward only: the same losses, to the bit, and no gradients.</summary>
    /// <returns>Σ of the losses, as <see cref="ForwardBackward"/> returns it.</returns>
    /// <exception cref="ArgumentException">As <see cref="ForwardBackward"/>.</exception>
    /// <exception cref="NotFiniteLossException">A loss is not a number.</exception>
    public double Loss(TrainingBatch batch, CancellationToken cancellation = default) => Run(batch, 0, lossOnly: true, cancellation);

    /// <summary>Sets all gradients to 0.</summary>
    public void ClearGradients()
    {
        lock (stepLock)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            Clear();
        }
    }

    /// <summary>Ends the threads and frees parameters and gradients, after the step that may be running.</summary>
    public void Dispose()
    {
        lock (stepLock)
        {
            if (!disposed)
            {
                disposed = true;
                runner.Dispose();
                memory.Dispose();
                frozen?.Dispose();
            }
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Runs a step with the code of an instruction set. Called by every worker of the step. Emitted.</summary>
    protected abstract void Execute(InstructionSet instructionSet, Worker worker);

    private double Run(TrainingBatch batch, float lossScale, bool lossOnly, CancellationToken cancellation)
    {
        batch.ThrowIfNotFor(Description);
        cancellation.ThrowIfCancellationRequested();
        lock (stepLock)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            try
            {
                return Sum(batch, runner.Run(batch, memory, frozen is null ? null : frozen.Data, lossScale, lossOnly, execute, cancellation));
            }
            catch when (!lossOnly)
            {
                Clear(); // of what a part of the step added
                throw;
            }
        }
    }

    private static double Sum(TrainingBatch batch, ReadOnlySpan<float> losses)
    {
        double sum = 0;
        for (int row = 0; row < losses.Length; row++)
        {
            if (!float.IsFinite(losses[row]))
            {
                throw new NotFiniteLossException(batch.Where(row), batch.Targets[row], losses[row]);
            }

            sum += losses[row];
        }

        return sum;
    }

    private WeightsFile? OpenFrozen(TrainingDescription description, TrainingLoadOptions options)
        => description.Frozen is { } expected
            ? WeightsFile.Open(
                new(description.Name, expected.File, expected.EmbeddedResource, expected.PlanHash, expected.ContentHash, expected.LengthBytes),
                new LoadOptions { WeightsPath = options.WeightsPath }, GetType().Assembly)
            : null;

    private void Clear()
    {
        float* gradients = memory.Gradients.Floats;
        ForBlocks(LengthFloats, (first, count) => new Span<float>(gradients + first, count).Clear());
    }
}

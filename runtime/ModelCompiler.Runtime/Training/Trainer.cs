using System.Diagnostics;
using System.Runtime.InteropServices;
using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// Trains a model on a text: draws windows, adds up their gradients, moves the parameters, looks at the held-out text, writes checkpoints. The bits depend
/// on the model, the text and the options, and not on the threads, nor on interruptions.
/// </summary>
public sealed unsafe class Trainer : IDisposable
{
    /// <summary>Of a time that is left: about what a <see cref="TimeSpan"/> holds.</summary>
    private const double MostSeconds = 9e11;

    private readonly TrainableModel model;
    private readonly TrainerOptions options;
    private readonly LearningRateSchedule schedule;
    private readonly BatchSampler sampler;
    private readonly BatchSampler? heldOut;
    private readonly TrainingBatch batch;
    private readonly AdamW optimizer;
    private readonly TrainingState begin;
    private string? lastCheckpoint;
    private long checkpointStep = -1;

    /// <summary>Makes the optimizer and, where asked to, takes up the last checkpoint.</summary>
    /// <param name="model">What to train; it must outlive this.</param>
    /// <param name="data">The text.</param>
    /// <param name="options">What to do.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range, or the context longer than the model's.</exception>
    /// <exception cref="TextTooShortException">The text, or a held-out part that is not empty, has no window.</exception>
    /// <exception cref="TrainingCheckpointException">The checkpoint belongs to another training, or is damaged; or there is one, and <see cref="TrainerOptions.Resume"/> is not set.</exception>
    public Trainer(TrainableModel model, TokenData data, TrainerOptions options)
    {
        options.Check();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Context, model.Description.ContextLength);
        this.model = model;
        this.options = options;
        schedule = options.Schedule;
        RequireWindows(data, options.Context);
        sampler = new(data.Training, options.Seed, options.Context);
        heldOut = data.HeldOut.IsEmpty ? null : new(data.HeldOut, options.Seed, options.Context);
        batch = new(options.Batch, options.Context);
        begin = new(0, [.. options.Describe(), new("layout", model.Description.PlanHash), new("model", model.Description.ModelHash), .. Frozen(model.Description), new("text", Checksum.Of(MemoryMarshal.AsBytes(data.Training.Span)))], []);
        optimizer = new(model, options.Optimizer);
        try
        {
            if (options.CheckpointFolder is { } folder && TrainingCheckpoint.FindLast(folder) is { } last)
            {
                if (!options.Resume)
                {
                    throw new TrainingCheckpointException(folder, "its checkpoints", Path.GetFileName(last), "none, where a training begins", "Set Resume to go on with it, or remove it or name another folder to begin anew.");
                }

                Step = TrainingCheckpoint.Load(last, model, optimizer, begin);
                (lastCheckpoint, checkpointStep) = (last, Step);
            }
        }
        catch
        {
            optimizer.Dispose();
            throw;
        }
    }

    /// <summary>Holds a text against the windows that are to be drawn from it.</summary>
    /// <exception cref="TextTooShortException">The text, or a held-out part that is not empty, has no window.</exception>
    internal static void RequireWindows(TokenData data, int context)
    {
        if (data.Training.Length <= context)
        {
            throw new TextTooShortException(data.Training.Length, context + 1);
        }

        if (!data.HeldOut.IsEmpty && data.HeldOut.Length <= context)
        {
            throw new TextTooShortException(data.HeldOut.Length, context + 1, heldOut: true);
        }
    }

    /// <summary>Adapters belong to the weights that they were trained over.</summary>
    private static IEnumerable<KeyValuePair<string, string>> Frozen(TrainingDescription description)
        => description is { Adapter: { } adapter, Frozen: { } frozen } ? [new("adapter", adapter.ToString()), new("frozen weights", frozen.ContentHash)] : [];

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Trains until the last step.</summary>
    /// <param name="progress">Told after every step, before its checkpoint, in the calling thread.</param>
    /// <param name="cancellation">What was done in a step that is not finished is forgotten; then a checkpoint is written.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="NotFiniteTrainingException">A loss or a gradient is NaN or infinite. The parameters are as before that step, and no checkpoint is written.</exception>
    /// <exception cref="IOException">A checkpoint could not be written. The one before it is still there.</exception>
    public void Run(IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
    {
        try
        {
            Learn(progress, cancellation);
        }
        catch (OperationCanceledException)
        {
            if (Step > 0)
            {
                WriteCheckpoint();
            }

            throw;
        }
    }

    /// <summary>Looks at the held-out text; null when there is none.</summary>
    /// <param name="mostWindows">Most windows to look at, evenly over it.</param>
    /// <param name="cancellation">Looked at between batches.</param>
    /// <exception cref="NotFiniteTrainingException">A loss is NaN or infinite.</exception>
    public HeldOutLoss? Evaluate(int mostWindows = int.MaxValue, CancellationToken cancellation = default)
    {
        if (heldOut is null)
        {
            return null;
        }

        int count = Math.Min(mostWindows, heldOut.Windows);
        double nats = 0;
        long tokens = 0;
        for (int i = 0; i < count; i += batch.Sequences)
        {
            heldOut.Take(batch, i, count);
            try
            {
                nats += model.Loss(batch, cancellation);
            }
            catch (NotFiniteLossException notFinite)
            {
                throw new NotFiniteTrainingException("the validation loss", notFinite.Loss, Step, lastCheckpoint, notFinite);
            }

            tokens += batch.CountTargets();
        }

        return new(nats, tokens);
    }

    /// <inheritdoc/>
    public void Dispose() => optimizer.Dispose();

    private void Learn(IProgress<TrainingProgress>? progress, CancellationToken cancellation)
    {
        long first = Step;
        TimeSpan firstStep = default;
        Stopwatch learning = new();
        while (Step < options.Steps)
        {
            learning.Start();
            double rate = schedule.At(Step);
            (double loss, double norm) = RunStep(rate, cancellation);
            Step++;
            learning.Stop();

            if (Step == first + 1)
            {
                firstStep = learning.Elapsed;
            }

            // The first step is slower: code is compiled, memory is touched for the first time. It counts only while there is no other.
            bool others = Step > first + 1;
            double secondsPerStep = (learning.Elapsed - (others ? firstStep : default)).TotalSeconds / (Step - first - (others ? 1 : 0));
            double tokensPerStep = (double)options.Accumulate * options.Batch * options.Context;
            TrainingProgress done = new(Step, options.Steps, loss, norm, rate, tokensPerStep / secondsPerStep, TimeSpan.FromSeconds(Math.Min(secondsPerStep * (options.Steps - Step), MostSeconds)), null);
            bool last = Step == options.Steps;
            try
            {
                done = done with { Validation = options.EvaluateEvery > 0 && IsDue(options.EvaluateEvery, last) ? Evaluate(options.EvaluationWindows, cancellation) : null };
            }
            finally
            {
                // Also when the look at the held-out text was cancelled: the step is done. Before the checkpoint, so that whoever keeps a log lacks no step of one.
                progress?.Report(done);
            }

            if (IsDue(options.CheckpointEvery, last))
            {
                WriteCheckpoint();
            }
        }
    }

    private (double Loss, double Norm) RunStep(double rate, CancellationToken cancellation)
    {
        long targets = (long)options.Accumulate * options.Batch * options.Context;
        try
        {
            double sum = 0;
            for (int i = 0; i < options.Accumulate; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                sampler.Draw(batch, (Step * options.Accumulate) + i);
                sum += model.ForwardBackward(batch, 1f / targets, cancellation);
            }

            return (sum / targets, optimizer.Step(rate));
        }
        catch (Exception fault)
        {
            model.ClearGradients();
            switch (fault)
            {
                case NotFiniteLossException notFinite:
                    throw new NotFiniteTrainingException("the loss", notFinite.Loss, Step + 1, lastCheckpoint, fault);
                case NotFiniteTrainingException notFinite:
                    throw new NotFiniteTrainingException("the norm of the gradients", notFinite.Value, Step + 1, lastCheckpoint, fault);
                default:
                    throw;
            }
        }
    }

    private bool IsDue(long every, bool last) => last || (every > 0 && Step % every == 0);

    private void WriteCheckpoint()
    {
        // The one of this very step would be written with the same bits, and be missing for a moment.
        if (options.CheckpointFolder is { } folder && checkpointStep != Step)
        {
            lastCheckpoint = TrainingCheckpoint.Save(folder, model, optimizer, begin with { Step = Step });
            checkpointStep = Step;
        }
    }
}

using System.Globalization;

namespace ModelCompiler.Runtime.Training;

/// <summary>What a <see cref="Trainer"/> does.</summary>
public sealed record TrainerOptions
{
    /// <summary>Steps of the whole training: updates of the parameters.</summary>
    public required long Steps { get; init; }

    /// <summary>Sequences of a micro-batch.</summary>
    public required int Batch { get; init; }

    /// <summary>Tokens of a sequence.</summary>
    public required int Context { get; init; }

    /// <summary>Micro-batches whose gradients are added up for one step: a larger batch in the same memory.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>The optimizer's options.</summary>
    public AdamWOptions Optimizer { get; init; } = new();

    /// <summary>Largest learning rate.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>Steps until the learning rate is reached. Null: a twentieth of all, at most 200.</summary>
    public long? WarmUp { get; init; }

    /// <summary>What is left of the learning rate at the end.</summary>
    public double FinalFraction { get; init; } = 0.1;

    /// <summary>Draws the windows. The same seed, text and options give the same bits.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The held-out text is looked at after every so many steps, and after the last. 0: never.</summary>
    public long EvaluateEvery { get; init; } = 100;

    /// <summary>Most windows of the held-out text that are looked at, evenly over it.</summary>
    public int EvaluationWindows { get; init; } = 64;

    /// <summary>Folder of the checkpoints; null: none is written.</summary>
    public string? CheckpointFolder { get; init; }

    /// <summary>A checkpoint is written after every so many steps; and, whatever this says, after the last one and when the training is cancelled. 0: only then.</summary>
    public long CheckpointEvery { get; init; }

    /// <summary>Goes on from the last checkpoint of the folder, if it has one.</summary>
    public bool Resume { get; init; }

    /// <summary>The learning rates.</summary>
    internal LearningRateSchedule Schedule => new(LearningRate, WarmUp ?? Math.Min(200, Steps / 20), Steps, FinalFraction);

    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Context, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Accumulate, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(EvaluateEvery);
        ArgumentOutOfRangeException.ThrowIfLessThan(EvaluationWindows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(CheckpointEvery);
        Optimizer.Check();
        Schedule.Check();
    }

    /// <summary>Everything that the bits of a training depend on, besides the text and the model, for a checkpoint to be held against.</summary>
    internal IEnumerable<KeyValuePair<string, string>> Describe()
    {
        LearningRateSchedule schedule = Schedule;
        return
        [
            new("steps", Text(Steps)), new("batch", Text(Batch)), new("context", Text(Context)), new("accumulate", Text(Accumulate)), new("seed", Text(Seed)),
            new("learningRate", Text(schedule.Peak)), new("warmUp", Text(schedule.WarmUpSteps)), new("finalFraction", Text(schedule.FinalFraction)),
            new("beta1", Text(Optimizer.Beta1)), new("beta2", Text(Optimizer.Beta2)), new("epsilon", Text(Optimizer.Epsilon)),
            new("weightDecay", Text(Optimizer.WeightDecay)), new("clipNorm", Text(Optimizer.ClipNorm)),
        ];

        static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
    }
}

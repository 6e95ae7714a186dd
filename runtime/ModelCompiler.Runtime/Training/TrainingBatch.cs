namespace ModelCompiler.Runtime.Training;

/// <summary>
/// Sequences of one length that a step learns from: [sequences × length], sequence after sequence. Each sequence begins at position 0 and
/// sees nothing of the others. Filled by its owner before each step, and used again for the next.
/// </summary>
public sealed class TrainingBatch
{
    /// <summary>In <see cref="Targets"/>: this token has no target, and adds nothing to loss or gradients.</summary>
    public const int NoTarget = -1;

    private readonly int[] tokens;
    private readonly int[] targets;

    /// <summary>Takes <paramref name="sequences"/> · <paramref name="length"/> tokens, all 0, without targets.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is below 1, or both make more than 2³⁰ tokens.</exception>
    public TrainingBatch(int sequences, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)sequences * length, 1 << 30, nameof(length));
        Sequences = sequences;
        Length = length;
        tokens = new int[sequences * length];
        targets = new int[sequences * length];
        targets.AsSpan().Fill(NoTarget);
    }

    /// <summary>Number of sequences.</summary>
    public int Sequences { get; }

    /// <summary>Tokens of each sequence.</summary>
    public int Length { get; }

    /// <summary>[sequences × length] what the model reads.</summary>
    public Span<int> Tokens => tokens;

    /// <summary>[sequences × length] what should come after each token, usually the token behind it; or <see cref="NoTarget"/>.</summary>
    public Span<int> Targets => targets;

    /// <summary>Tokens that have a target: what a sum of losses is divided by to get the mean.</summary>
    public int CountTargets() => tokens.Length - targets.AsSpan().Count(NoTarget);

    /// <summary>Holds the batch against a model.</summary>
    /// <exception cref="ArgumentException">It has a token or a target that the model does not know, or a sequence is longer than the model's context.</exception>
    internal void ThrowIfNotFor(TrainingDescription description)
    {
        if (Length > description.ContextLength)
        {
            throw new ArgumentException($"Found sequences of {Length} tokens, expected at most {description.ContextLength}, the context of model '{description.Name}'.");
        }

        for (int i = 0; i < tokens.Length; i++)
        {
            if ((uint)tokens[i] >= (uint)description.Vocab)
            {
                throw new ArgumentException($"{Where(i)}: found the token {tokens[i]}, expected 0 … {description.Vocab - 1}, the vocabulary of model '{description.Name}'.");
            }

            if (targets[i] != NoTarget && (uint)targets[i] >= (uint)description.Vocab)
            {
                throw new ArgumentException($"{Where(i)}: found the target {targets[i]}, expected 0 … {description.Vocab - 1}, or {NoTarget} for none.");
            }
        }
    }

    /// <summary>A row of the step, for a message.</summary>
    internal string Where(int row) => $"Sequence {row / Length}, position {row % Length}";
}

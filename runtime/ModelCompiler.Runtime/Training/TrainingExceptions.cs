namespace ModelCompiler.Runtime.Training;

/// <summary>A text, or the part of it that is held out, has fewer tokens than one window.</summary>
public sealed class TextTooShortException(int found, int expected, bool heldOut = false)
    : ArgumentException(heldOut
        ? $"the held-out text: found {found} tokens, expected none, or at least {expected}, one window and the token behind it. Hold out more or nothing, or give a shorter context."
        : $"the text: found {found} tokens to learn from, expected at least {expected}, one window and the token behind it. Give more text, or a shorter context.")
{
    /// <summary>Tokens found.</summary>
    public int Found { get; } = found;

    /// <summary>Tokens of a window and the one behind it.</summary>
    public int Expected { get; } = expected;
}

/// <summary>A loss or the norm of the gradients is NaN or infinite: the training has failed. The model is as it was before the step, the last checkpoint as it was.</summary>
public sealed class NotFiniteTrainingException(string what, double value, long step, string? checkpoint, Exception? inner = null)
    : ArithmeticException(
        $"step {step}: found {what} {value}, expected a finite number. Lower the learning rate, lengthen the warm-up, or look for damaged weights. "
        + (checkpoint is null ? "No checkpoint was written yet." : $"The last checkpoint is {checkpoint}."),
        inner)
{
    /// <summary>The step, counted from 1.</summary>
    public long Step { get; } = step;

    /// <summary>NaN or an infinity.</summary>
    public double Value { get; } = value;

    /// <summary>Folder of the last whole checkpoint, or null.</summary>
    public string? Checkpoint { get; } = checkpoint;
}

/// <summary>A checkpoint that cannot be taken up: of another model or other settings, cut off, or damaged. The message tells what was found and what was expected.</summary>
public sealed class TrainingCheckpointException : IOException
{
    internal TrainingCheckpointException(string path, string what, string found, string expected, string remedy, Exception? inner = null)
        : base($"{path}: {what}: found {found}, expected {expected}. {remedy}", inner)
    {
        Checkpoint = path;
        What = what;
        Found = found;
        Expected = expected;
    }

    /// <summary>Folder or file of the checkpoint.</summary>
    public string Checkpoint { get; }

    /// <summary>What differs: a setting by the name that training.json has for it, or a part of the checkpoint.</summary>
    public string What { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    /// <summary>What was expected instead.</summary>
    public string Expected { get; }
}

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// The loss of a token is NaN or infinite: training diverged (the learning rate is too high, clipping is off), or the parameters were damaged
/// before. The gradients of the step are worthless; the parameters have not changed.
/// </summary>
public sealed class NotFiniteLossException : InvalidOperationException
{
    internal NotFiniteLossException(string where, int target, float loss)
        : base($"{where}: found the loss {loss} for the target {target}, expected a finite number. The parameters stand as before this step: go back to a checkpoint, and lower the learning rate or clip the gradients.")
    {
        Loss = loss;
    }

    /// <summary>What was found.</summary>
    public float Loss { get; }
}

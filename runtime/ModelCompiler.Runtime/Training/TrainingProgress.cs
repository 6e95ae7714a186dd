namespace ModelCompiler.Runtime.Training;

/// <summary>How far a training has come, told after each step.</summary>
/// <param name="Step">Steps done, since the beginning of training.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Loss">Mean loss of the step's tokens, in nats: −ln of the probability that the model gave the token which came.</param>
/// <param name="GradientNorm">Norm of all gradients together, before clipping.</param>
/// <param name="LearningRate">The step's learning rate.</param>
/// <param name="TokensPerSecond">Tokens learned from in a second since this run began, evaluations, checkpoints and, once there are others, the first step left out.</param>
/// <param name="Remaining">Time that the steps to come will take, at this speed.</param>
/// <param name="Validation">What the held-out text gave, after a step that it was looked at; else null.</param>
public sealed record TrainingProgress(
    long Step, long Steps, double Loss, double GradientNorm, double LearningRate, double TokensPerSecond, TimeSpan Remaining, HeldOutLoss? Validation);

/// <summary>How well a model foretells the held-out text.</summary>
/// <param name="Nats">−ln of the probabilities of all tokens looked at, added up.</param>
/// <param name="Tokens">How many they are.</param>
public readonly record struct HeldOutLoss(double Nats, long Tokens)
{
    /// <summary>Mean loss of a token, in nats.</summary>
    public double Mean => Nats / Tokens;
}

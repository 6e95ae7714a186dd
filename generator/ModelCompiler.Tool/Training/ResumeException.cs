namespace ModelCompiler.Tool.Training;

/// <summary>A training cannot be gone on with by this command line; the message names the option, and both values.</summary>
internal sealed class ResumeException(string message) : Exception(message);

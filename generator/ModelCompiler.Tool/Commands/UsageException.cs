namespace ModelCompiler.Tool.Commands;

/// <summary>A mistake on the command line that shows only when the model, or the folder to write, is known.</summary>
internal sealed class UsageException(string message) : Exception(message);

namespace ModelCompiler.Runtime.Offload;

/// <summary>Another processor could not be had, or failed. Sessions stand where they stood, and the model can be loaded without it.</summary>
public class OffloadException(string message, Exception? inner = null) : Exception(message, inner);

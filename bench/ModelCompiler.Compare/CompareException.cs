namespace ModelCompiler.Compare;

/// <summary>What stops a comparison, in words for the person who started it.</summary>
internal sealed class CompareException(string message) : Exception(message);

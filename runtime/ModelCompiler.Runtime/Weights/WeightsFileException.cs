namespace ModelCompiler.Runtime.Weights;

/// <summary>Packed weights that cannot be used: wrong, old, cut off or damaged. The message tells the file, what was found, what was expected, and what to do.</summary>
public sealed class WeightsFileException : IOException
{
    internal WeightsFileException(string source, string what, string found, string expected, string remedy)
        : base($"{source}: {what}: found {found}, expected {expected}. {remedy}")
    {
        Weights = source;
        Found = found;
        Expected = expected;
    }

    /// <summary>Path of the file, or name of the embedded resource.</summary>
    public string Weights { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    /// <summary>What was expected instead.</summary>
    public string Expected { get; }
}

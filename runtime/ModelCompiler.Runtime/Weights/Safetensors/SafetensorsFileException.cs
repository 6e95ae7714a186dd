namespace ModelCompiler.Runtime.Weights.Safetensors;

/// <summary>A safetensors file that cannot be used: cut off, damaged, or with another tensor than was asked for. The message tells the file, what was found and what was expected.</summary>
public sealed class SafetensorsFileException : IOException
{
    internal SafetensorsFileException(string path, string what, string found, string expected)
        : base($"{path}: {what}: found {found}, expected {expected}.")
    {
        FilePath = path;
        What = what;
        Found = found;
        Expected = expected;
    }

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <summary>Which part of the file.</summary>
    public string What { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    /// <summary>What was expected instead.</summary>
    public string Expected { get; }
}

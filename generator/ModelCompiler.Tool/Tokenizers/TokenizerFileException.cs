namespace ModelCompiler.Tool.Tokenizers;

/// <summary>A tokenizer.json, or the tokenizer_config.json beside it, that is broken, or asks for something that is not supported.</summary>
/// <param name="path">Where in the file, such as <c>model.merges[3]</c>; empty for the file as a whole.</param>
/// <param name="message">What was found, what was expected.</param>
/// <param name="line">Line of the file, from 1, when the text is no JSON; else 0.</param>
public sealed class TokenizerFileException(string path, string message, int line = 0)
    : FormatException(path.Length == 0 ? message : $"{path}: {message}")
{
    /// <summary>Where in the file, such as <c>model.merges[3]</c>; empty for the file as a whole.</summary>
    public string Path { get; } = path;

    /// <summary>Line of the file, from 1, when the text is no JSON; else 0.</summary>
    public int Line { get; } = line;

    /// <summary>Whether the file is tokenizer_config.json.</summary>
    public bool InConfig { get; internal set; }
}

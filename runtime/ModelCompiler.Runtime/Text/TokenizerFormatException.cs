namespace ModelCompiler.Runtime.Text;

/// <summary>A packed tokenizer is broken: truncated, altered, or of another version. Pack it again by building the project.</summary>
public sealed class TokenizerFormatException : FormatException
{
    /// <summary>Creates the exception with what was found and what was expected.</summary>
    public TokenizerFormatException(string message)
        : base(message)
    {
    }
}

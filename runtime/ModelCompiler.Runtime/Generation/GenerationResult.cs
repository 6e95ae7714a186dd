namespace ModelCompiler.Runtime.Generation;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>It was not enumerated to its end.</summary>
    Unfinished,

    /// <summary>The model gave an end token.</summary>
    EndToken,

    /// <summary>One of <see cref="GenerationOptions.StopTexts"/> was complete.</summary>
    StopText,

    /// <summary><see cref="GenerationOptions.MaxTokens"/> were generated.</summary>
    MaxTokens,

    /// <summary>The model has no more positions.</summary>
    ContextEnd,
}

/// <summary>What is known about a generation, so far or when it has ended.</summary>
/// <param name="FinishReason">Why it ended.</param>
/// <param name="Tokens">The generated tokens, those of a stop text too, without an end token that ended it.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="Seed">With it as <see cref="GenerationOptions.Seed"/> the same tokens come again.</param>
/// <param name="PromptTime">From the start until the first token could be chosen.</param>
/// <param name="DecodeTime">In which the model read the generated tokens, and tokens were chosen. Not the time of whoever takes them.</param>
public sealed record GenerationResult(
    FinishReason FinishReason, IReadOnlyList<GeneratedToken> Tokens, int PromptTokens, ulong Seed, TimeSpan PromptTime, TimeSpan DecodeTime)
{
    /// <summary>Prompt tokens per second.</summary>
    public double PromptTokensPerSecond => PromptTokens / Math.Max(PromptTime.TotalSeconds, 1e-9);

    /// <summary>Generated tokens per second, the first left out: the prompt made it.</summary>
    public double TokensPerSecond => Math.Max(Tokens.Count - 1, 0) / Math.Max(DecodeTime.TotalSeconds, 1e-9);
}

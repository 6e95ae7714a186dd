namespace ModelCompiler.Tool.Measurement;

/// <summary>How a text is cut for <see cref="Perplexity"/>.</summary>
/// <param name="Length">Tokens of a window, at least 4.</param>
/// <param name="Stride">From one window's begin to the next one's, at least 1.</param>
/// <param name="FirstScored">The first token of a window that is scored.</param>
internal sealed record PerplexityWindows(int Length, int Stride, int FirstScored)
{
    /// <summary>Windows that do not overlap; of each the second half is scored, less its first token: what llama.cpp does unasked.</summary>
    public static PerplexityWindows Apart(int length) => new(length, length, (length / 2) + 1);

    /// <summary>Windows that overlap; of each the last <paramref name="stride"/> tokens are scored, so that each has nearly a full context.</summary>
    public static PerplexityWindows Sliding(int length, int stride) => new(length, stride, length - stride);

    /// <summary>Whole windows in so many tokens.</summary>
    public int Count(int tokens) => tokens < Length ? 0 : ((tokens - Length) / Stride) + 1;
}

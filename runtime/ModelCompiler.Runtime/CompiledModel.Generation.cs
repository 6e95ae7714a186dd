using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Runtime;

/// <content>Writing text.</content>
public abstract unsafe partial class CompiledModel
{
    private Tokenizer? tokenizer;

    /// <summary>
    /// Writes on behind a prompt, piece by piece as they are asked for. Stops at an end token, a stop text, the number of tokens asked
    /// for, or the end of the context.
    /// </summary>
    /// <param name="prompt">
    /// Plain text; the tokenizer adds what it puts around a text, such as a begin token. Where that makes no tokens at all, the model's
    /// begin token is the prompt.
    /// </param>
    /// <param name="options">How tokens are chosen, and when to stop.</param>
    /// <param name="cancellation">Looked at between steps; enumeration then throws <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidOperationException">The weights have no tokenizer.</exception>
    /// <exception cref="ArgumentException">The prompt has no tokens, and the model no begin token.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public TextGeneration Generate(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ITextCodec codec = RequireTextCodec();
        return new TextGeneration(new SessionLease(this, null), codec, EncodePrompt(codec, prompt, begins: true), options, cancellation);
    }

    /// <summary>As <see cref="Generate"/>, with each piece made on a thread of the pool.</summary>
    public IAsyncEnumerable<string> GenerateAsync(string prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
        => Generate(prompt, options, cancellation).StreamAsync(CancellationToken.None);

    /// <summary>Writes on behind the tokens of a prompt, which are taken as they are; for stop texts there is no text to find them in.</summary>
    /// <exception cref="ArgumentException">There are no tokens.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public TokenGeneration GenerateTokens(ReadOnlySpan<int> prompt, GenerationOptions? options = null, CancellationToken cancellation = default)
        => new(new SessionLease(this, null), prompt.ToArray(), options, cancellation);

    /// <summary>The model's tokenizer, or null when its weights hold none. Opened when it is first asked for; may be used after the model.</summary>
    /// <exception cref="TokenizerFormatException">It was packed by another version.</exception>
    public Tokenizer? Tokenizer
    {
        get
        {
            if (tokenizer is null && weights.HasTokenizer)
            {
                ObjectDisposedException.ThrowIf(disposed, this);
                Interlocked.CompareExchange(ref tokenizer, weights.OpenTokenizer(), null);
                GC.KeepAlive(this);
            }

            return tokenizer;
        }
    }

    /// <summary>The model's tokenizer as generation sees it; null when there is none.</summary>
    internal virtual ITextCodec? TextCodec => Tokenizer is { } own ? new TokenizerCodec(own) : null;

    /// <summary>Tokens of a prompt, at least one.</summary>
    /// <param name="codec">The tokenizer.</param>
    /// <param name="prompt">Plain text.</param>
    /// <param name="begins">Nothing stands before the prompt.</param>
    /// <exception cref="ArgumentException">There are none. Many tokenizers (GPT-2's, Qwen's) put nothing around a text, and an empty one then has no tokens.</exception>
    internal int[] EncodePrompt(ITextCodec codec, string prompt, bool begins)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        int[] tokens = codec.Encode(prompt, begins);
        if (tokens.Length > 0)
        {
            return tokens;
        }

        if (begins && Description.BeginToken >= 0)
        {
            return [Description.BeginToken];
        }

        throw new ArgumentException(
            begins
                ? $"Found a prompt without tokens, and model '{Description.Name}' has no begin token. Expected a text with at least one token."
                : "Found a prompt without tokens, expected at least one behind what the session has read.",
            nameof(prompt));
    }

    /// <summary>The model's tokenizer.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    internal ITextCodec RequireTextCodec()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return TextCodec ?? throw new InvalidOperationException($"The weights of model '{Description.Name}' hold no tokenizer. Put tokenizer.json into the model's folder and build again, or use {nameof(GenerateTokens)}.");
    }
}

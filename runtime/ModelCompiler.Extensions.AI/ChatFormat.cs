using Microsoft.Extensions.AI;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Extensions.AI;

/// <summary>
/// How a conversation becomes tokens. Special tokens come from the format alone: what a person wrote is always text, so that nobody can
/// end a turn, or begin another's, by writing the name of a token.
/// </summary>
public abstract class ChatFormat
{
    /// <summary>The formats are those here: nobody else can write special tokens.</summary>
    private protected ChatFormat()
    {
    }

    /// <summary>Chat markup of Qwen and others: <c>&lt;|im_start|&gt;role … &lt;|im_end|&gt;</c>.</summary>
    public static ChatFormat ChatML { get; } = new ChatMLFormat();

    /// <summary>Llama 3: <c>&lt;|start_header_id|&gt;role&lt;|end_header_id|&gt; … &lt;|eot_id|&gt;</c>.</summary>
    public static ChatFormat Llama3 { get; } = new Llama3Format();

    /// <summary>No markup, for models that were never taught any: the messages' texts, a line each, and the model writes on behind them.</summary>
    public static ChatFormat Plain { get; } = new PlainFormat();

    /// <summary>The format whose special tokens a tokenizer has; <see cref="Plain"/> when it has none of them.</summary>
    public static ChatFormat Detect(Tokenizer tokenizer)
        => new[] { ChatML, Llama3 }.FirstOrDefault(format => format.Fits(tokenizer)) ?? Plain;

    /// <summary>Whether the tokenizer has the special tokens that this format needs.</summary>
    public abstract bool Fits(Tokenizer tokenizer);

    /// <summary>The tokens of the conversation, and of the beginning of the answer.</summary>
    /// <exception cref="ArgumentException">The tokenizer lacks a special token of this format.</exception>
    public IReadOnlyList<int> Write(IEnumerable<ChatMessage> messages, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ChatTokens tokens = new(tokenizer);
        Write([.. messages], tokens);
        return tokens.Ids;
    }

    /// <summary>The tokens with which the model ends its answer, besides its end tokens.</summary>
    public abstract IReadOnlyList<int> StopTokens(Tokenizer tokenizer);

    private protected abstract void Write(IReadOnlyList<ChatMessage> messages, ChatTokens tokens);
}

using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Extensions.AI;

/// <summary>A conversation's tokens, as a format writes them.</summary>
internal sealed class ChatTokens(Tokenizer tokenizer)
{
    private readonly List<int> ids = [];

    /// <summary>What was written.</summary>
    public IReadOnlyList<int> Ids => ids;

    /// <summary>A special token by its name.</summary>
    public ChatTokens Special(string name)
    {
        ids.Add(IdOf(name, tokenizer));
        return this;
    }

    /// <summary>Text of anybody: never special tokens.</summary>
    public ChatTokens Text(string text)
    {
        ids.AddRange(tokenizer.Encode(text, addSpecialTokens: false, recogniseSpecialTokens: false));
        return this;
    }

    /// <summary>The first text of a format without markup: with what the tokenizer puts before a text.</summary>
    public ChatTokens Begin(string text)
    {
        ids.AddRange(tokenizer.Encode(text, addSpecialTokens: true, recogniseSpecialTokens: false));
        return this;
    }

    /// <summary>The id of a special token.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static int IdOf(string name, Tokenizer tokenizer)
        => tokenizer.TryGetId(name, out int id)
            ? id
            : throw new ArgumentException($"Found a tokenizer without the token '{name}', expected one that has it. Choose another ChatFormat.", nameof(tokenizer));
}

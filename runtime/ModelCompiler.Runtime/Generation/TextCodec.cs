using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Runtime.Generation;

/// <summary>What generation needs of a tokenizer.</summary>
internal interface ITextCodec
{
    /// <summary>Ids of a text; with those that the tokenizer puts around it when <paramref name="addSpecialTokens"/>.</summary>
    int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens);

    /// <summary>Begins to turn ids into text, piece by piece.</summary>
    ITextStream CreateDecoder();
}

/// <summary>Ids to text: each call gives the characters that are complete.</summary>
internal interface ITextStream
{
    /// <summary>Adds a token; gives the text that is certain now.</summary>
    string Append(int token);

    /// <summary>Gives the rest.</summary>
    string Flush();
}

/// <summary>The packed tokenizer as generation sees it. Special tokens do not become text.</summary>
internal sealed class TokenizerCodec(Tokenizer tokenizer) : ITextCodec
{
    public int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens) => tokenizer.Encode(text, addSpecialTokens);

    public ITextStream CreateDecoder() => new Stream(tokenizer.CreateDecoder());

    private sealed class Stream(StreamingDecoder decoder) : ITextStream
    {
        public string Append(int token) => decoder.Append(token);

        public string Flush() => decoder.Flush();
    }
}

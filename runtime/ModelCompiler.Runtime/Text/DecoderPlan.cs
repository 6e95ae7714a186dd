namespace ModelCompiler.Runtime.Text;

/// <summary>What decoding does, read from the steps of a packed tokenizer.</summary>
internal sealed class DecoderPlan
{
    private readonly List<(DecoderCode Code, byte[] First, byte[] Second, int Argument)> steps = [];

    /// <summary>Reads the decoder's steps.</summary>
    public DecoderPlan(PackedTokenizer tokens, ReadOnlySpan<StepRecord> records)
    {
        bool fused = false;
        foreach (StepRecord record in records)
        {
            byte[] first = tokens.Utf8String(record.FirstOffset, record.FirstLength);
            byte[] second = tokens.Utf8String(record.SecondOffset, record.SecondLength);
            switch ((DecoderCode)record.Code)
            {
                case DecoderCode.ByteLevel:
                    ByteLevel = true;
                    break;
                case DecoderCode.ByteFallback:
                    ByteFallback = true;
                    break;
                case DecoderCode.Fuse:
                    fused = true;
                    break;
                case DecoderCode.Strip when fused && first.Length == 1 && record.Argument >>> 16 == 0:
                    (StripCharacter, StripCount) = ((char)first[0], record.Argument);
                    break;
                case DecoderCode.Replace or DecoderCode.Strip or DecoderCode.Metaspace when !fused && first.Length > 0:
                    steps.Add(((DecoderCode)record.Code, first, second, record.Argument));
                    break;
                default:
                    throw new TokenizerFormatException($"The packed tokenizer has a decoder of code {record.Code} in a place where this runtime does not know it.");
            }
        }

        JoinWithSpaces = records.IsEmpty;
    }

    /// <summary>Tokens are bytes of UTF-8.</summary>
    public bool ByteLevel { get; }

    /// <summary>Tokens that stand for a byte are joined to characters.</summary>
    public bool ByteFallback { get; }

    /// <summary>A tokenizer without a decoder has a space between its tokens.</summary>
    public bool JoinWithSpaces { get; }

    /// <summary>What is cut from the beginning of the text, up to <see cref="StripCount"/> times.</summary>
    public char StripCharacter { get; }

    public int StripCount { get; }

    /// <summary>Whether a token's text differs from its bytes.</summary>
    public bool RewritesTokens => steps.Count > 0;

    /// <summary>Rewrites the text of one token. The result lies in one of the two buffers.</summary>
    public GrowingList<byte> Rewrite(ReadOnlySpan<byte> token, bool isFirst, GrowingList<byte> buffer, GrowingList<byte> other)
    {
        buffer.Clear();
        buffer.AddRange(token);
        foreach ((DecoderCode code, byte[] first, byte[] second, int argument) in steps)
        {
            other.Clear();
            switch (code)
            {
                case DecoderCode.Replace:
                    Literals.Replace(buffer.Span, first, second, other);
                    break;
                case DecoderCode.Metaspace:
                    Literals.Replace(buffer.Span, first, isFirst && argument == 1 ? default : " "u8, other);
                    break;
                default:
                    other.AddRange(Strip(buffer.Span, first, argument & 0xFFFF, argument >>> 16));
                    break;
            }

            (buffer, other) = (other, buffer);
        }

        return buffer;
    }

    private static ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> text, byte[] character, int start, int stop)
    {
        for (; start > 0 && text.StartsWith(character); start--)
        {
            text = text[character.Length..];
        }

        for (; stop > 0 && text.EndsWith(character); stop--)
        {
            text = text[..^character.Length];
        }

        return text;
    }
}

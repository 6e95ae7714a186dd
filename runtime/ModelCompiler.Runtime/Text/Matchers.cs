namespace ModelCompiler.Runtime.Text;

/// <summary>Finds the pieces that a split cuts at.</summary>
internal abstract class Matcher
{
    /// <summary>The first match that begins at <paramref name="from"/> or later; never an empty one.</summary>
    public abstract bool TryFind(ReadOnlySpan<byte> text, int from, out int begin, out int end);
}

/// <summary>A fixed string.</summary>
internal sealed class LiteralMatcher(byte[] literal) : Matcher
{
    public override bool TryFind(ReadOnlySpan<byte> text, int from, out int begin, out int end)
    {
        int found = literal.Length == 0 ? -1 : text[from..].IndexOf(literal);
        begin = from + found;
        end = begin + literal.Length;
        return found >= 0;
    }
}

/// <summary>One character of a kind.</summary>
internal sealed class CharacterMatcher(Func<int, bool> belongs) : Matcher
{
    public override bool TryFind(ReadOnlySpan<byte> text, int from, out int begin, out int end)
    {
        for (begin = from; begin < text.Length; begin = end)
        {
            int character = Utf8.Decode(text, begin, out int length);
            end = begin + length;
            if (belongs(character))
            {
                return true;
            }
        }

        end = begin;
        return false;
    }
}

/// <summary>\w+|[^\w\s]+: words, and runs of symbols.</summary>
internal sealed class WordMatcher : Matcher
{
    public override bool TryFind(ReadOnlySpan<byte> text, int from, out int begin, out int end)
    {
        begin = end = from;
        int kind = 0;
        while (end < text.Length)
        {
            int character = Utf8.Decode(text, end, out int length);
            int found = Characters.IsWord(character) ? 1 : Characters.IsSpace(character) ? 0 : 2;
            if (kind == 0)
            {
                kind = found;
                begin = end;
            }
            else if (found != kind)
            {
                break;
            }

            end += length;
        }

        return kind != 0;
    }
}

/// <summary>What the hand-written scanners of the published patterns share. Their patterns match every character, so a match begins where the last one ended.</summary>
internal abstract class Scanner : Matcher
{
    public sealed override bool TryFind(ReadOnlySpan<byte> text, int from, out int begin, out int end)
    {
        begin = from;
        end = from < text.Length ? Scan(text, from) : from;
        return from < text.Length;
    }

    /// <summary>Where the piece ends that begins at a position.</summary>
    protected abstract int Scan(ReadOnlySpan<byte> text, int from);

    /// <summary>Where a run of characters of one class ends.</summary>
    protected static int Run(ReadOnlySpan<byte> text, int from, CharacterClass wanted)
    {
        while (from < text.Length && Characters.Classify(text, from, out int length) == wanted)
        {
            from += length;
        }

        return from;
    }

    /// <summary>\s+(?!\S)|\s+: a run of white space, less its last character when something follows and more than one is there.</summary>
    protected static int Spaces(ReadOnlySpan<byte> text, int from)
    {
        int end = from;
        int last = from;
        while (end < text.Length && (Characters.Classify(text, end, out int length) & CharacterClass.Space) != 0)
        {
            last = end;
            end += length;
        }

        return end < text.Length && last > from ? last : end;
    }

    /// <summary>'s|'t|'re|'ve|'m|'ll|'d after the apostrophe: its length, or 0.</summary>
    protected static int Contraction(ReadOnlySpan<byte> rest)
    {
        if (rest.IsEmpty)
        {
            return 0;
        }

        return rest[0] switch
        {
            (byte)'s' or (byte)'t' or (byte)'m' or (byte)'d' => 1,
            (byte)'r' or (byte)'v' when rest.Length > 1 && rest[1] == 'e' => 2,
            (byte)'l' when rest.Length > 1 && rest[1] == 'l' => 2,
            _ => 0,
        };
    }
}

/// <summary>GPT-2: <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c></summary>
internal sealed class Gpt2Scanner : Scanner
{
    protected override int Scan(ReadOnlySpan<byte> text, int from)
    {
        byte first = text[from];
        int contraction = first == '\'' ? Contraction(text[(from + 1)..]) : 0;
        if (contraction > 0)
        {
            return from + 1 + contraction;
        }

        int begin = first == ' ' && from + 1 < text.Length ? from + 1 : from;
        CharacterClass kind = Characters.Classify(text, begin, out int length);
        return (kind & CharacterClass.Space) != 0 ? Spaces(text, from) : Run(text, begin + length, kind);
    }
}

/// <summary>
/// Llama 3 (three digits) and Qwen 2 (one digit):
/// <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>
/// </summary>
internal sealed class Llama3Scanner(int digits) : Scanner
{
    protected override int Scan(ReadOnlySpan<byte> text, int from)
    {
        int contraction = text[from] == '\'' ? FoldedContraction(text[(from + 1)..]) : 0;
        if (contraction > 0)
        {
            return from + 1 + contraction;
        }

        CharacterClass kind = Characters.Classify(text, from, out int length);
        int next = from + length;
        switch (kind)
        {
            case CharacterClass.Letter:
                return Run(text, next, CharacterClass.Letter);
            case CharacterClass.Number:
                return Digits(text, next);
        }

        CharacterClass following = next < text.Length ? Characters.Classify(text, next, out length) : CharacterClass.Space;
        if (following == CharacterClass.Letter && (kind & CharacterClass.LineBreak) == 0)
        {
            return Run(text, next + length, CharacterClass.Letter);
        }

        if (kind == CharacterClass.Other)
        {
            return LineBreaks(text, Run(text, next, CharacterClass.Other));
        }

        return text[from] == ' ' && following == CharacterClass.Other
            ? LineBreaks(text, Run(text, next, CharacterClass.Other))
            : SpacesOrLines(text, from);
    }

    private int Digits(ReadOnlySpan<byte> text, int from)
    {
        for (int taken = 1; taken < digits && from < text.Length; taken++)
        {
            if (Characters.Classify(text, from, out int length) != CharacterClass.Number)
            {
                break;
            }

            from += length;
        }

        return from;
    }

    private static int LineBreaks(ReadOnlySpan<byte> text, int from)
    {
        while (from < text.Length && text[from] is (byte)'\r' or (byte)'\n')
        {
            from++;
        }

        return from;
    }

    /// <summary>\s*[\r\n]+|\s+(?!\S)|\s+: white space up to its last line break, if it has one.</summary>
    private static int SpacesOrLines(ReadOnlySpan<byte> text, int from)
    {
        int lines = -1;
        int end = from;
        while (end < text.Length)
        {
            CharacterClass kind = Characters.Classify(text, end, out int length);
            if ((kind & CharacterClass.Space) == 0)
            {
                break;
            }

            end += length;
            lines = (kind & CharacterClass.LineBreak) != 0 ? end : lines;
        }

        return lines >= 0 ? lines : Spaces(text, from);
    }

    /// <summary>A contraction in any case. U+017F folds to s, in the reference's regular expressions too.</summary>
    private static int FoldedContraction(ReadOnlySpan<byte> rest)
    {
        if (rest.StartsWith("\u017F"u8))
        {
            return 2;
        }

        Span<byte> folded = stackalloc byte[Math.Min(2, rest.Length)];
        for (int i = 0; i < folded.Length; i++)
        {
            folded[i] = rest[i] < 0x80 ? (byte)(rest[i] | 0x20) : rest[i];
        }

        return Contraction(folded);
    }
}

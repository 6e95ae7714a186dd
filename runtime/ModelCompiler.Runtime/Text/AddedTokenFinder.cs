namespace ModelCompiler.Runtime.Text;

/// <summary>Finds added tokens in text: leftmost first, the longest of those that begin at one place.</summary>
internal ref struct AddedTokenFinder
{
    private readonly PackedTokenizer tokens;
    private readonly ReadOnlySpan<AddedTokenRecord> records;
    private readonly ReadOnlySpan<byte> firstBytes;
    private readonly ReadOnlySpan<byte> text;
    private int at;
    private int taken;

    /// <summary>Searches <paramref name="text"/> with one of the two lists of patterns.</summary>
    public AddedTokenFinder(PackedTokenizer tokens, bool normalized, ReadOnlySpan<byte> text)
    {
        this.tokens = tokens;
        this.text = text;
        records = tokens.Section<AddedTokenRecord>(normalized ? PackedSection.NormalizedAddedTokens : PackedSection.AddedTokens);
        firstBytes = tokens.Section<byte>(normalized ? PackedSection.NormalizedAddedFirstBytes : PackedSection.AddedFirstBytes);
    }

    /// <summary>The next added token: its id and the stretch of text that it takes, white space included.</summary>
    public bool TryNext(out int id, out int begin, out int end)
    {
        while (at < text.Length && !records.IsEmpty)
        {
            int skipped = text[at..].IndexOfAny(firstBytes);
            if (skipped < 0)
            {
                break;
            }

            begin = at + skipped;
            if (!TryMatch(begin, out AddedTokenRecord record))
            {
                at = begin + 1;
                continue;
            }

            end = begin + record.PatternLength;
            at = end;
            if ((record.Flags & AddedTokenFlags.SingleWord) != 0 && !StandsAlone(begin, end))
            {
                continue;
            }

            begin = (record.Flags & AddedTokenFlags.StripLeft) != 0 ? SkipSpacesBack(text, begin) : begin;
            begin = Math.Max(begin, taken);
            end = (record.Flags & AddedTokenFlags.StripRight) != 0 ? SkipSpaces(text, end) : end;
            end = Math.Max(begin, end);
            taken = end;
            id = tokens.Checked(record.Id);
            return true;
        }

        id = -1;
        begin = end = text.Length;
        return false;
    }

    /// <summary>The first position at or after <paramref name="at"/> that holds no white space.</summary>
    public static int SkipSpaces(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && Characters.IsSpace(Utf8.Decode(text, at, out int length)))
        {
            at += length;
        }

        return at;
    }

    /// <summary>Where the white space begins that ends before <paramref name="at"/>.</summary>
    public static int SkipSpacesBack(ReadOnlySpan<byte> text, int at)
    {
        while (at > 0)
        {
            int previous = Utf8.Previous(text, at);
            if (!Characters.IsSpace(Utf8.Decode(text, previous, out _)))
            {
                break;
            }

            at = previous;
        }

        return at;
    }

    /// <summary>Patterns are sorted, so those that agree with the text so far are neighbours: each byte narrows the range.</summary>
    private readonly bool TryMatch(int begin, out AddedTokenRecord longest)
    {
        longest = default;
        int low = 0;
        int high = records.Length;
        for (int depth = 0; begin + depth < text.Length && low < high; depth++)
        {
            byte wanted = text[begin + depth];
            low = FirstNotBelow(low, high, depth, wanted);
            high = FirstNotBelow(low, high, depth, wanted + 1);
            if (low < high && records[low].PatternLength == depth + 1)
            {
                longest = records[low];
            }
        }

        return longest.PatternLength > 0;
    }

    /// <summary>The first pattern in a range whose byte at <paramref name="depth"/> is at least <paramref name="value"/>; a pattern that has ended counts as below.</summary>
    private readonly int FirstNotBelow(int low, int high, int depth, int value)
    {
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            ReadOnlySpan<byte> pattern = tokens.String(records[middle].PatternOffset, records[middle].PatternLength);
            if (depth >= pattern.Length || pattern[depth] < value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private readonly bool StandsAlone(int begin, int end)
    {
        bool wordBefore = begin > 0 && Characters.IsWord(Utf8.Decode(text, Utf8.Previous(text, begin), out _));
        bool wordAfter = end < text.Length && Characters.IsWord(Utf8.Decode(text, end, out _));
        return !wordBefore && !wordAfter;
    }
}

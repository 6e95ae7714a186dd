using System.Globalization;
using System.Text;
using ModelCompiler.Runtime.Text;

namespace LookInside.Observation;

/// <summary>Tokens as they can be shown: what cannot be seen, or would move a terminal's cursor, becomes a character that can.</summary>
internal static class TokenText
{
    /// <summary>Bytes of the longest character.</summary>
    private const int MostParts = 4;

    /// <summary>The text of a token; its name in the tokenizer's file where it is a part of a character only.</summary>
    public static string Of(Tokenizer tokenizer, int id)
    {
        string text = tokenizer.Decode([id], skipSpecialTokens: false);
        return Visible(text.Length == 0 || text.Contains('\uFFFD') ? tokenizer.TokenText(id) : text);
    }

    /// <summary>
    /// The tokens of a text. Where several of them make one character together, each is shown as that character with its number among them: 喜₁ 喜₂.
    /// </summary>
    public static Token[] Of(Tokenizer tokenizer, ReadOnlySpan<int> ids)
    {
        Token[] tokens = new Token[ids.Length];
        for (int first = 0, count; first < ids.Length; first += count)
        {
            count = Parts(tokenizer, ids[first..]);
            string whole = Visible(tokenizer.Decode(ids.Slice(first, count), skipSpecialTokens: false));
            for (int i = 0; i < count; i++)
            {
                int id = ids[first + i];
                tokens[first + i] = new(id, count == 1 ? Of(tokenizer, id) : whole + (char)('₁' + i), count > 1, tokenizer.IsSpecial(id));
            }
        }

        return tokens;
    }

    /// <summary>How many tokens make the next characters: 1 unless they are parts that only make sense together.</summary>
    private static int Parts(Tokenizer tokenizer, ReadOnlySpan<int> ids)
    {
        for (int count = 1; count <= Math.Min(ids.Length, MostParts); count++)
        {
            if (!tokenizer.Decode(ids[..count], skipSpecialTokens: false).Contains('\uFFFD'))
            {
                return count;
            }
        }

        return 1;
    }

    /// <summary>Spaces, line ends and controls by their pictures; formats, lone surrogates and what is not assigned by number.</summary>
    public static string Visible(string text)
    {
        StringBuilder visible = new();
        foreach (Rune rune in text.EnumerateRunes())
        {
            visible.Append(rune.Value switch
            {
                ' ' => "␣",
                '\n' => "↵",
                '\t' => "⇥",
                < 0x20 => ((char)(0x2400 + rune.Value)).ToString(),
                0x7F => "␡",
                _ => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse
                    ? string.Create(CultureInfo.InvariantCulture, $"U+{rune.Value:X4}")
                    : rune.ToString(),
            });
        }

        return visible.ToString();
    }
}

using System.Globalization;
using System.Runtime.CompilerServices;

namespace ModelCompiler.Runtime.Text;

/// <summary>Walks over UTF-8 that is known to be valid. Broken input never makes it leave the span.</summary>
internal static class Utf8
{
    /// <summary>Length of the character that begins with <paramref name="first"/>, at most <paramref name="available"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Length(byte first, int available)
    {
        int length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        return Math.Min(length, available);
    }

    /// <summary>The character at a position, and its length in bytes.</summary>
    public static int Decode(ReadOnlySpan<byte> text, int position, out int length)
    {
        int first = text[position];
        length = Length((byte)first, text.Length - position);
        return length switch
        {
            1 => first,
            2 => ((first & 0x1F) << 6) | (text[position + 1] & 0x3F),
            3 => ((first & 0x0F) << 12) | ((text[position + 1] & 0x3F) << 6) | (text[position + 2] & 0x3F),
            _ => ((first & 0x07) << 18) | ((text[position + 1] & 0x3F) << 12) | ((text[position + 2] & 0x3F) << 6) | (text[position + 3] & 0x3F),
        };
    }

    /// <summary>Where the character begins that ends before <paramref name="position"/>.</summary>
    public static int Previous(ReadOnlySpan<byte> text, int position)
    {
        int begin = position - 1;
        while (begin > 0 && (text[begin] & 0xC0) == 0x80)
        {
            begin--;
        }

        return begin;
    }
}

/// <summary>What the published patterns tell apart.</summary>
[Flags]
internal enum CharacterClass : byte
{
    /// <summary>None of the others: punctuation, symbols, marks, controls.</summary>
    Other = 0,

    /// <summary>\p{L}</summary>
    Letter = 1,

    /// <summary>\p{N}</summary>
    Number = 2,

    /// <summary>\s</summary>
    Space = 4,

    /// <summary>[\r\n], which are <see cref="Space"/> too.</summary>
    LineBreak = 8,
}

/// <summary>Classes of characters by their Unicode category.</summary>
internal static class Characters
{
    private const CharacterClass S = CharacterClass.Space;
    private const CharacterClass B = CharacterClass.Space | CharacterClass.LineBreak;
    private const CharacterClass N = CharacterClass.Number;
    private const CharacterClass L = CharacterClass.Letter;
    private const CharacterClass O = CharacterClass.Other;

    private static ReadOnlySpan<CharacterClass> Ascii =>
    [
        O, O, O, O, O, O, O, O, O, S, B, S, S, B, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O,
        S, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, N, N, N, N, N, N, N, N, N, N, O, O, O, O, O, O,
        O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
        O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O,
    ];

    /// <summary>Class of the character at a position, and its length in bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CharacterClass Classify(ReadOnlySpan<byte> text, int position, out int length)
    {
        byte first = text[position];
        if (first < 0x80)
        {
            length = 1;
            return Ascii[first];
        }

        return Classify(Utf8.Decode(text, position, out length));
    }

    /// <summary>Class of a character outside ASCII.</summary>
    public static CharacterClass Classify(int character) => Category(character) switch
    {
        <= UnicodeCategory.OtherLetter => CharacterClass.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterClass.Number,
        UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => CharacterClass.Space,
        UnicodeCategory.Control when character == 0x85 => CharacterClass.Space,
        _ => CharacterClass.Other,
    };

    public static UnicodeCategory Category(int character) => CharUnicodeInfo.GetUnicodeCategory(Math.Min(character, 0x10FFFF));

    /// <summary>\s: Unicode's White_Space.</summary>
    public static bool IsSpace(int character) =>
        character < 0x80 ? (Ascii[character] & CharacterClass.Space) != 0 : Classify(character) == CharacterClass.Space;

    /// <summary>\p{N}</summary>
    public static bool IsNumber(int character) =>
        character < 0x80 ? Ascii[character] == CharacterClass.Number : Classify(character) == CharacterClass.Number;

    /// <summary>Punctuation of Unicode, and the symbols of ASCII.</summary>
    public static bool IsPunctuation(int character) => character < 0x80
        ? character is > ' ' and < 0x7F && Ascii[character] == CharacterClass.Other
        : Category(character) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    /// <summary>\w as Unicode's UTS 18 defines it: Alphabetic, marks, decimal digits, connectors, joiners.</summary>
    public static bool IsWord(int character)
    {
        const int Words = (1 << (int)UnicodeCategory.UppercaseLetter) | (1 << (int)UnicodeCategory.LowercaseLetter)
            | (1 << (int)UnicodeCategory.TitlecaseLetter) | (1 << (int)UnicodeCategory.ModifierLetter) | (1 << (int)UnicodeCategory.OtherLetter)
            | (1 << (int)UnicodeCategory.NonSpacingMark) | (1 << (int)UnicodeCategory.SpacingCombiningMark) | (1 << (int)UnicodeCategory.EnclosingMark)
            | (1 << (int)UnicodeCategory.DecimalDigitNumber) | (1 << (int)UnicodeCategory.LetterNumber) | (1 << (int)UnicodeCategory.ConnectorPunctuation);

        return (Words >> (int)Category(character) & 1) != 0
            || character is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9)
                or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);
    }
}

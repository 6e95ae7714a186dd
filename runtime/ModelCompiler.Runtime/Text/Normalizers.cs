using System.Globalization;
using System.Text;

namespace ModelCompiler.Runtime.Text;

/// <summary>A step that rewrites text before it is cut into pieces.</summary>
internal abstract class Normalizer
{
    /// <summary>Appends the normalised text. <paramref name="text"/> is valid UTF-8 and is not empty.</summary>
    public abstract void Run(ReadOnlySpan<byte> text, GrowingList<byte> output);
}

/// <summary>Puts a string before the text.</summary>
internal sealed class Prepend(byte[] prefix) : Normalizer
{
    public override void Run(ReadOnlySpan<byte> text, GrowingList<byte> output)
    {
        output.AddRange(prefix);
        output.AddRange(text);
    }
}

/// <summary>Replaces a fixed string.</summary>
internal sealed class Replace(byte[] pattern, byte[] replacement) : Normalizer
{
    public override void Run(ReadOnlySpan<byte> text, GrowingList<byte> output) => Literals.Replace(text, pattern, replacement, output);
}

/// <summary>Replaces runs of a character.</summary>
internal sealed class ReplaceRun(byte[] unit, int least, byte[] replacement) : Normalizer
{
    public override void Run(ReadOnlySpan<byte> text, GrowingList<byte> output) => Literals.ReplaceRuns(text, unit, least, replacement, output);
}

/// <summary>Lower case, character by character, independent of culture.</summary>
internal sealed class Lowercase : Normalizer
{
    public override void Run(ReadOnlySpan<byte> text, GrowingList<byte> output)
    {
        while (!text.IsEmpty)
        {
            Rune.DecodeFromUtf8(text, out Rune rune, out int length);
            text = text[length..];

            // U+0130 is the one character whose full lower case is longer than the simple one.
            if (rune.Value == 0x130)
            {
                output.AddRange("i\u0307"u8);
                continue;
            }

            output.Advance(Rune.ToLowerInvariant(rune).EncodeToUtf8(output.Reserve(4)));
        }
    }
}

/// <summary>Cuts white space at the ends.</summary>
internal sealed class StripSpaces(bool left, bool right) : Normalizer
{
    public override void Run(ReadOnlySpan<byte> text, GrowingList<byte> output)
    {
        int begin = left ? AddedTokenFinder.SkipSpaces(text, 0) : 0;
        int end = right ? Math.Max(begin, AddedTokenFinder.SkipSpacesBack(text, text.Length)) : text.Length;
        output.AddRange(text[begin..end]);
    }
}

/// <summary>Drops marks that do not take space of their own (category Mn), which decomposition set free.</summary>
internal sealed class StripAccents : Normalizer
{
    public override void Run(ReadOnlySpan<byte> text, GrowingList<byte> output)
    {
        for (int at = 0; at < text.Length;)
        {
            int character = Utf8.Decode(text, at, out int length);
            if (character < 0x80 || Characters.Category(character) != UnicodeCategory.NonSpacingMark)
            {
                output.AddRange(text.Slice(at, length));
            }

            at += length;
        }
    }
}

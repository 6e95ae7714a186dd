using System.Text;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers.Training;

/// <summary>
/// Counts the pieces that text is cut into before pairs are merged, exactly as the tokenizer that is being made will cut it: Han characters one by one, the rest by
/// GPT-2's pattern.
/// </summary>
internal sealed class TextPieces
{
    /// <summary>The Han characters that are cut apart, as tokenizer.json writes them.</summary>
    public const string HanPattern = "[一-鿿]";

    // U+4E00 to U+9FFF in UTF-8.
    private const int HanBytes = 3;

    private readonly Dictionary<string, long> counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long>.AlternateLookup<ReadOnlySpan<char>> byBytes;
    private readonly Gpt2Scanner scanner = new();

    public TextPieces() => byBytes = counts.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>How often each piece occurs. A piece is written as its bytes, one in each char.</summary>
    public IReadOnlyDictionary<string, long> Counts => counts;

    /// <summary>Adds a document.</summary>
    public void Add(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        int begin = 0;
        for (int at = 0; at < utf8.Length;)
        {
            if (!IsHan(utf8.AsSpan(at)))
            {
                at++;
                continue;
            }

            AddByPattern(utf8.AsSpan(begin, at - begin));
            Count(utf8.AsSpan(at, HanBytes));
            begin = at += HanBytes;
        }

        AddByPattern(utf8.AsSpan(begin));
    }

    /// <summary>E4 B8 80 to E9 BF BF.</summary>
    private static bool IsHan(ReadOnlySpan<byte> utf8)
        => utf8 is [>= 0xE4 and <= 0xE9, _, _, ..] && (utf8[0] > 0xE4 || utf8[1] >= 0xB8);

    private void AddByPattern(ReadOnlySpan<byte> text)
    {
        for (int at = 0; scanner.TryFind(text, at, out int begin, out int end); at = end)
        {
            Count(text[begin..end]);
        }
    }

    private void Count(ReadOnlySpan<byte> piece)
    {
        Span<char> chars = piece.Length <= 256 ? stackalloc char[piece.Length] : new char[piece.Length];
        Encoding.Latin1.GetChars(piece, chars);
        byBytes[chars] = byBytes.TryGetValue(chars, out long count) ? count + 1 : 1;
    }
}

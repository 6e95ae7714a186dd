using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace HandBuiltModel;

/// <summary>
/// Byte-pair encoding (Sennrich et al. 2016) over GPT-2's byte alphabet: the most frequent pair becomes a token, until every English
/// word with the space before it, and every Chinese character, is one token.
/// </summary>
public sealed partial class BytePairs
{
    private const string EndOfText = "<|endoftext|>";

    private readonly Dictionary<string, int> vocabulary = new(StringComparer.Ordinal);
    private readonly List<(string Left, string Right)> merges = [];

    public BytePairs(IEnumerable<string> sentences)
    {
        foreach (char symbol in Enumerable.Range(0, 256).Select(value => SymbolOf((byte)value)).Order())
        {
            vocabulary.Add(symbol.ToString(), vocabulary.Count);
        }

        List<List<string>> pieces = [.. sentences.SelectMany(Pieces).Select(piece => piece.Select(symbol => symbol.ToString()).ToList())];
        while (MostFrequentPair(pieces) is { } pair)
        {
            merges.Add(pair);
            vocabulary.Add(pair.Left + pair.Right, vocabulary.Count);
            pieces.ForEach(piece => Merge(piece, pair));
        }

        End = vocabulary.Count;
    }

    /// <summary>The token that begins and ends every text.</summary>
    public int End { get; }

    /// <summary>The token of a new line.</summary>
    public int NewLine => vocabulary[SymbolOf((byte)'\n').ToString()];

    public int VocabularySize => End + 1;

    /// <summary>The tokens of a sentence of the corpus: one for each piece.</summary>
    public int[] Encode(string sentence) => [.. Pieces(sentence).Select(piece => vocabulary[piece])];

    /// <summary>tokenizer.json; its post-processor puts the end-of-text token before every text.</summary>
    public string ToJson()
    {
        object byteLevel = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = true, use_regex = true };
        object endOfText = new { id = End, content = EndOfText, single_word = false, lstrip = false, rstrip = false, normalized = false, special = true };
        object begin = new { SpecialToken = new { id = EndOfText, type_id = 0 } };
        object first = new { Sequence = new { id = "A", type_id = 0 } };
        object second = new { Sequence = new { id = "B", type_id = 1 } };
        object template = new
        {
            type = "TemplateProcessing",
            single = new[] { begin, first },
            pair = new[] { begin, first, second },
            special_tokens = new Dictionary<string, object> { [EndOfText] = new { id = EndOfText, ids = new[] { End }, tokens = new[] { EndOfText } } },
        };
        object model = new
        {
            type = "BPE", dropout = (object?)null, unk_token = (object?)null, continuing_subword_prefix = "", end_of_word_suffix = "",
            fuse_unk = false, byte_fallback = false, vocab = vocabulary, merges = merges.Select(pair => $"{pair.Left} {pair.Right}"),
        };
        return JsonSerializer.Serialize(
            new
            {
                version = "1.0", truncation = (object?)null, padding = (object?)null, added_tokens = new[] { endOfText },
                normalizer = (object?)null, pre_tokenizer = byteLevel, post_processor = template, decoder = byteLevel, model,
            },
            new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private static IEnumerable<string> Pieces(string sentence) => PiecePattern().Matches(sentence)
        .Select(piece => string.Concat(Encoding.UTF8.GetBytes(piece.Value).Select(SymbolOf)));

    /// <summary>GPT-2's byte alphabet: printable bytes stand for themselves, the others, in order, for the characters from 256 on.</summary>
    private static char SymbolOf(byte value)
    {
        static bool IsPrintable(int value) => value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
        return (char)(IsPrintable(value) ? value : 256 + Enumerable.Range(0, value).Count(lower => !IsPrintable(lower)));
    }

    /// <summary>Of equally frequent pairs the first in ordinal order, so that the same corpus gives the same merges anywhere.</summary>
    private static (string Left, string Right)? MostFrequentPair(List<List<string>> pieces) => pieces
        .SelectMany(piece => piece.Zip(piece.Skip(1)))
        .GroupBy(pair => pair)
        .OrderByDescending(group => group.Count())
        .ThenBy(group => group.Key.First, StringComparer.Ordinal)
        .ThenBy(group => group.Key.Second, StringComparer.Ordinal)
        .Select(group => ((string, string)?)group.Key)
        .FirstOrDefault();

    private static void Merge(List<string> piece, (string Left, string Right) pair)
    {
        for (int i = 0; i + 1 < piece.Count; i++)
        {
            if (piece[i] == pair.Left && piece[i + 1] == pair.Right)
            {
                piece[i] += pair.Right;
                piece.RemoveAt(i + 1);
            }
        }
    }

    [GeneratedRegex(" ?[A-Za-z]+|.")]
    private static partial Regex PiecePattern();
}

using System.Globalization;
using System.Text;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Tokenizers.Training;

namespace ModelCompiler.Tool.Training;

/// <summary>Documents of several files, and what is held out of them.</summary>
/// <param name="Files">Paths of <paramref name="Documents"/>, for messages.</param>
/// <param name="Documents">To learn from; of these some are held out unless there is a text for that.</param>
/// <param name="HeldOut">A text that is only looked at; null: a part of the documents is.</param>
/// <param name="HoldOut">Which part, 0 to below 1.</param>
internal sealed record TrainingText(IReadOnlyList<string> Files, IReadOnlyList<string> Documents, IReadOnlyList<string>? HeldOut, double HoldOut)
{
    private const int OpeningLength = 24;

    /// <summary>Both texts as streams of tokens: each document with its end token, and the begin token before the first.</summary>
    /// <param name="tokenizer">Makes the tokens.</param>
    /// <param name="begin">The model's begin token, or −1.</param>
    /// <param name="end">The model's end token, or −1.</param>
    /// <exception cref="TrainingTextException">The tokenizer does not know a character of the text.</exception>
    public TokenData Encode(Tokenizer tokenizer, int begin, int end)
    {
        RequireCovered(tokenizer);
        if (HeldOut is not null)
        {
            return new(Stream(tokenizer, Documents, begin, end), Stream(tokenizer, HeldOut, begin, end));
        }

        // Every n-th document makes a held-out text like the rest; where documents are few, the end of the text has to do.
        int every = HoldOut > 0 ? (int)Math.Round(1 / HoldOut) : 0;
        if (every > 0 && Documents.Count < 2 * every)
        {
            return TokenData.Tail(Stream(tokenizer, Documents, begin, end), HoldOut);
        }

        bool IsHeldOut(int number) => every > 0 && (number + 1) % every == 0;
        return new(
            Stream(tokenizer, [.. Documents.Where((_, number) => !IsHeldOut(number))], begin, end),
            every > 0 ? Stream(tokenizer, [.. Documents.Where((_, number) => IsHeldOut(number))], begin, end) : ReadOnlyMemory<int>.Empty);
    }

    /// <summary>The first words of the text, where it is a single document, of at most <paramref name="mostTokens"/> tokens; null where documents begin more often, or nothing fits.</summary>
    public string? Opening(Tokenizer tokenizer, int mostTokens)
    {
        if (Documents.Count > 1 || Documents[0].Contains(TokenizerJson.EndOfText, StringComparison.Ordinal))
        {
            return null;
        }

        string line = Documents[0].TrimStart().Split('\n')[0];
        int end = line.Length <= OpeningLength ? line.Length : line.LastIndexOf(' ', OpeningLength) is > 0 and var space ? space : OpeningLength;
        for (; end > 0; end /= 2)
        {
            end -= char.IsHighSurrogate(line[end - 1]) ? 1 : 0;
            if (end > 0 && tokenizer.Encode(line.AsSpan(0, end)).Length <= mostTokens)
            {
                return line[..end];
            }
        }

        return null;
    }

    /// <summary>How many bytes of UTF-8 the held-out text's tokens stand for: what a loss for each byte is divided by.</summary>
    public static long CountBytes(Tokenizer tokenizer, ReadOnlyMemory<int> stream) => Encoding.UTF8.GetByteCount(tokenizer.Decode(stream.Span));

    private static int[] Stream(Tokenizer tokenizer, IReadOnlyList<string> documents, int begin, int end)
    {
        int[][] encoded = new int[documents.Count][];
        Parallel.For(0, documents.Count, i => encoded[i] = tokenizer.Encode(documents[i], addSpecialTokens: false));
        List<int> stream = new(encoded.Sum(document => document.Length + 1) + 1);
        foreach (int[] document in encoded)
        {
            if (begin >= 0 && (stream.Count == 0 || begin != end))
            {
                stream.Add(begin);
            }

            stream.AddRange(document);
            if (end >= 0)
            {
                stream.Add(end);
            }
        }

        return [.. stream];
    }

    /// <summary>Each different character is encoded alone: what comes back without it was lost.</summary>
    private void RequireCovered(Tokenizer tokenizer)
    {
        HashSet<Rune> known = [];
        foreach (string document in HeldOut is null ? Documents : Documents.Concat(HeldOut))
        {
            foreach (Rune character in document.EnumerateRunes())
            {
                if (known.Add(character) && !IsKnown(tokenizer, character))
                {
                    string found = string.Create(CultureInfo.InvariantCulture, $"'{character}' (U+{character.Value:X4}), which the tokenizer has no token for, in '{Excerpt(document, character)}'");
                    throw new TrainingTextException(
                        string.Join(", ", Files), 0, "the text", found, "characters that the tokenizer knows; take another tokenizer, or have one made (--tokenizer bpe or char)");
                }
            }
        }
    }

    /// <summary>Spaces may be stripped by a normalizer; other characters may be changed by it, but not vanish.</summary>
    private static bool IsKnown(Tokenizer tokenizer, Rune character)
    {
        if (Rune.IsWhiteSpace(character) || Rune.IsControl(character))
        {
            return true;
        }

        string text = character.ToString();
        int[] tokens = tokenizer.Encode(text, addSpecialTokens: false);
        return tokens.Length > 0 && (tokenizer.Pipeline.Normalizers.Length > 0 ? !Array.TrueForAll(tokens, tokenizer.IsSpecial) : tokenizer.Decode(tokens).Contains(text, StringComparison.Ordinal));
    }

    private static string Excerpt(string document, Rune character)
    {
        int at = document.IndexOf(character.ToString(), StringComparison.Ordinal);
        int begin = Math.Max(0, at - 10);
        return document[begin..Math.Min(document.Length, at + 10)].ReplaceLineEndings(" ");
    }
}

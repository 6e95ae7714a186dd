using System.Text;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers.Training;

/// <summary>
/// Learns byte-level pairs from a text (Sennrich et al. 2016, arXiv 1508.07909; over bytes as GPT-2): the pair that occurs most often becomes a token, again and
/// again. Before that, every character that occurs at least twice gets its token, the most frequent first, so that characters of several bytes are not broken up
/// while there is room for longer words. Equally frequent pairs go by their ids, so that the same text gives the same tokens anywhere.
/// </summary>
/// <remarks>Microsoft.ML.Tokenizers 2.0.1 has no trainer, and Tokenizers.DotNet is a native library that modelc would have to carry.</remarks>
internal sealed class BytePairTrainer
{
    /// <summary>The special token, then the bytes.</summary>
    public const int LeastVocabulary = 1 + 256;

    // A pair that occurs once teaches nothing.
    private const long LeastCount = 2;

    private readonly List<byte[]> tokens = [];
    private readonly List<(int Left, int Right)> merges = [];
    private readonly PairCounts pairs;
    private readonly int vocabulary;

    private BytePairTrainer(IReadOnlyDictionary<string, long> pieces, int vocabulary)
    {
        this.vocabulary = vocabulary;
        tokens.Add([]); // the special token is no bytes
        tokens.AddRange(Enumerable.Range(0, 256).Select(value => new[] { (byte)value }));
        pairs = new(pieces);
    }

    /// <summary>The tokenizer.json of at most <paramref name="vocabulary"/> tokens: fewer when no pair occurs twice any more.</summary>
    public static string Train(TextPieces pieces, int vocabulary, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabulary, LeastVocabulary);
        BytePairTrainer trainer = new(pieces.Counts, vocabulary);
        trainer.LearnCharacters(pieces.Counts, cancellation);
        trainer.LearnPairs(cancellation);
        return TokenizerJson.OfBytePairs(
            trainer.tokens.Skip(1).Select(Text),
            trainer.merges.Select(merge => (Text(trainer.tokens[merge.Left]), Text(trainer.tokens[merge.Right]))));
    }

    private static string Text(byte[] token) => string.Concat(token.Select(TokenNames.Character));

    private bool IsFull => tokens.Count == vocabulary;

    private void LearnCharacters(IReadOnlyDictionary<string, long> pieces, CancellationToken cancellation)
    {
        Dictionary<Rune, long> counts = [];
        foreach ((string piece, long count) in pieces)
        {
            foreach (Rune character in Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(piece)).EnumerateRunes())
            {
                counts[character] = counts.GetValueOrDefault(character) + count;
            }
        }

        foreach ((Rune character, _) in counts.Where(pair => !pair.Key.IsAscii && pair.Value >= LeastCount).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key))
        {
            cancellation.ThrowIfCancellationRequested();
            byte[] utf8 = new byte[character.Utf8SequenceLength];
            character.EncodeToUtf8(utf8);
            int left = 1 + utf8[0];
            foreach (byte next in utf8.AsSpan(1))
            {
                if (pairs.Merged(left, 1 + next) is { } known)
                {
                    left = known;
                }
                else if (IsFull)
                {
                    return;
                }
                else
                {
                    left = Merge(left, 1 + next);
                }
            }
        }
    }

    private void LearnPairs(CancellationToken cancellation)
    {
        while (!IsFull && pairs.TakeMostFrequent(LeastCount) is { } pair)
        {
            cancellation.ThrowIfCancellationRequested();
            Merge(pair.Left, pair.Right);
        }
    }

    private int Merge(int left, int right)
    {
        int merged = tokens.Count;
        tokens.Add([.. tokens[left], .. tokens[right]]);
        merges.Add((left, right));
        pairs.Merge(left, right, merged);
        return merged;
    }
}

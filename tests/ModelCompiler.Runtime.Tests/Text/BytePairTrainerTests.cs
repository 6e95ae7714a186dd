using System.Text;
using System.Text.Json;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Tokenizers;
using ModelCompiler.Tool.Tokenizers.Training;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>Tokenizers that are made from a text.</summary>
public sealed class BytePairTrainerTests
{
    private const string Words = "low lower lowest newer newest wider, the low road and the newest road; lowlowlow aaaaaaa aaa 1234 12 12\n\n";

    [Fact]
    public void MergesAreThoseOfTheDefinition()
    {
        List<string> merges = PlainMerges([Words], 40);
        Assert.True(merges.Count > 15);
        Assert.Equal(merges, Merges(Train(Words, BytePairTrainer.LeastVocabulary + 40)));
    }

    [Fact]
    public void EveryTextComesBack()
    {
        const string text = "黄金首饰 is gold 🦊, 变形金刚是机器人。\n\nLow — lowest… \t\0 é";
        Tokenizer tokenizer = Open(Train(Words, 300));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        Assert.Equal(0, tokenizer.Encode(text)[0]);
        Assert.Equal((0, 0), (tokenizer.BeginId, tokenizer.EndId));
    }

    [Fact]
    public void AHanCharacterIsAlwaysTheSameToken()
    {
        string text = string.Concat(Enumerable.Repeat("我喜欢黄金首饰。这是一个变形金刚。黄金很贵。", 20));
        Tokenizer tokenizer = Open(Train(text, 500));
        int[] gold = tokenizer.Encode("金", addSpecialTokens: false);
        Assert.Single(gold);
        Assert.Contains(gold[0], tokenizer.Encode("黄金首饰"));
        Assert.Contains(gold[0], tokenizer.Encode("变形金刚"));
    }

    [Fact]
    public void TheVocabularyIsNotLargerThanAsked()
    {
        Assert.Equal(270, Open(Train(Words, 270)).VocabularySize);
        Assert.Equal(257, Open(Train(Words, 257)).VocabularySize);
        Assert.True(Open(Train("ab", 5000)).VocabularySize < 260); // nothing occurs twice
    }

    [Fact]
    public void PublishedTextsComeBackAndTheSameTextGivesTheSameTokenizer()
    {
        string path = SharedData.Require("text/tang300.json");
        string text = string.Join('\n', JsonDocument.Parse(File.ReadAllText(path)).RootElement.EnumerateArray().Select(poem => string.Join('\n', poem.GetProperty("paragraphs").EnumerateArray())));
        string made = Train(text, 3000);
        Tokenizer tokenizer = Open(made);
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        Assert.True(tokenizer.Encode(text).Length < text.Length * 1.4, "most characters are one token");
        Assert.Equal(made, Train(text, 3000));
    }

    [Fact]
    public void OneTokenForEachCharacter()
    {
        const string text = "春眠不覺曉\n處處聞啼鳥🦊";
        Tokenizer tokenizer = Open(TokenizerJson.OfCharacters(text.EnumerateRunes().ToArray().Distinct().Order().Select(character => character.ToString())));
        int[] tokens = tokenizer.Encode(text);
        Assert.Equal(1 + text.EnumerateRunes().Count(), tokens.Length);
        Assert.Equal(0, tokens[0]);
        Assert.Equal(text, tokenizer.Decode(tokens));
    }

    private static string Train(string text, int vocabulary)
    {
        TextPieces pieces = new();
        pieces.Add(text);
        return BytePairTrainer.Train(pieces, vocabulary, CancellationToken.None);
    }

    private static Tokenizer Open(string json) => new(TokenizerPacker.Pack(json, TokenizerJson.Config(64)));

    private static List<string> Merges(string json)
        => [.. JsonDocument.Parse(json).RootElement.GetProperty("model").GetProperty("merges").EnumerateArray().Select(merge => $"{merge[0]} {merge[1]}")];

    /// <summary>Counts everything anew for each merge. ASCII only: no character needs a merge of its own.</summary>
    private static List<string> PlainMerges(string[] documents, int most)
    {
        List<string> merges = [];
        List<string> known = [.. Enumerable.Range(0, 256).Select(value => ((char)value).ToString())];
        TextPieces counted = new();
        Array.ForEach(documents, counted.Add);
        List<(List<string> Symbols, long Count)> pieces = [.. counted.Counts.Select(piece => (piece.Key.Select(c => c.ToString()).ToList(), piece.Value))];
        while (merges.Count < most)
        {
            var best = pieces
                .SelectMany(piece => piece.Symbols.Zip(piece.Symbols.Skip(1)).Select(pair => (pair, piece.Count)))
                .GroupBy(pair => pair.pair)
                .Select(group => (Pair: group.Key, Count: group.Sum(pair => pair.Count)))
                .OrderByDescending(pair => pair.Count).ThenBy(pair => known.IndexOf(pair.Pair.First)).ThenBy(pair => known.IndexOf(pair.Pair.Second))
                .First();
            if (best.Count < 2)
            {
                break;
            }

            merges.Add($"{Shown(best.Pair.First)} {Shown(best.Pair.Second)}");
            known.Add(best.Pair.First + best.Pair.Second);
            foreach ((List<string> symbols, _) in pieces)
            {
                for (int i = 0; i + 1 < symbols.Count; i++)
                {
                    if ((symbols[i], symbols[i + 1]) == best.Pair)
                    {
                        symbols[i] += symbols[i + 1];
                        symbols.RemoveAt(i + 1);
                    }
                }
            }
        }

        return merges;

        static string Shown(string token) => string.Concat(Encoding.Latin1.GetBytes(token).Select(TokenNames.Character));
    }
}

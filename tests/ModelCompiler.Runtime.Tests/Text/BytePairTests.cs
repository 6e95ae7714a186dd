using System.Diagnostics;
using System.Text;
using CsCheck;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>Byte-pair encoding against its definition, on random merges: lowest rank first, leftmost first, until nothing merges.</summary>
public sealed class BytePairTests
{
    private static readonly Gen<string> Words = Gen.Char["abcd▁é中"].Array[0, 200].Select(characters => new string(characters));

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void Merges_by_rank(int seed, bool markersOnlyInFront)
    {
        string[] characters = ["a", "b", "c", "d", "▁"];
        TinyTokenizer tiny = TinyTokenizer.WithByteFallback(characters);
        tiny.Parts.Remove("normalizer");
        List<(string Left, string Right)> merges = RandomMerges(tiny, characters, seed, markersOnlyInFront);
        Tokenizer tokenizer = tiny.Open();
        Words.Sample(
            text => Assert.Equal(ByDefinition(text, tiny, merges), tokenizer.Encode(text, addSpecialTokens: false)),
            iter: 400,
            threads: 1);
    }

    [Fact]
    public void A_token_that_the_merges_do_not_reach_is_not_looked_up()
    {
        // "abc" is a token, but "bc" merges first, and "a" with "bc" does not.
        TinyTokenizer tiny = TinyTokenizer.OfBytes().Merge("b", "c").Merge("a", "b").Merge("ab", "c");
        Assert.Equal([tiny.Id("a"), tiny.Id("bc")], tiny.Open().Encode("abc"));
        Assert.Equal([tiny.Id("abc")], tiny.Model("ignore_merges", true).Open().Encode("abc"));
    }

    [Theory]
    [InlineData(true, new[] { 3, 0, 4 })]
    [InlineData(false, new[] { 3, 0, 0, 4 })]
    public void Unknown_characters_fuse_or_not(bool fuse, int[] expected)
    {
        var tiny = new TinyTokenizer(["<unk>", "x", "y", "a", "b"]);
        tiny.Model("unk_token", "<unk>").Model("fuse_unk", fuse);
        Assert.Equal(expected, tiny.Open().Encode("a中é" + "b"));
        Assert.Equal([3, 4], new TinyTokenizer(["<unk>", "x", "y", "a", "b"]).Open().Encode("a中b"));
    }

    [Fact]
    public void Byte_fallback_needs_a_token_for_every_byte_of_the_character()
    {
        var tiny = new TinyTokenizer(["<unk>", "<0xC3>", "<0xA9>", "a"]);
        tiny.Model("unk_token", "<unk>").Model("byte_fallback", true);
        Assert.Equal([3, 1, 2, 0], tiny.Open().Encode("aé中"));
    }

    [Theory]
    [InlineData('a')]
    [InlineData(' ')]
    [InlineData('中')]
    public void A_megabyte_without_a_seam_takes_near_linear_time(char character)
    {
        TinyTokenizer tiny = TinyTokenizer.WithByteFallback(["a", "▁", "b"]);
        for (string token = "a"; token.Length < 64; token += token)
        {
            tiny.Merge(token, token);
            tiny.Merge(token.Replace('a', '▁'), token.Replace('a', '▁'));
        }

        Tokenizer tokenizer = tiny.Open();
        string text = new(character, 1 << 20);
        long begin = Stopwatch.GetTimestamp();
        int[] ids = tokenizer.Encode(text, addSpecialTokens: false);
        Assert.True(Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(20));
        Assert.Equal(text, tokenizer.Decode(ids));
    }

    private static List<(string Left, string Right)> RandomMerges(TinyTokenizer tiny, string[] characters, int seed, bool markersOnlyInFront)
    {
        var random = new Random(seed);
        var tokens = new List<string>(characters);
        var merges = new List<(string Left, string Right)>();
        while (merges.Count < 60)
        {
            string left = tokens[random.Next(tokens.Count)];
            string right = tokens[random.Next(tokens.Count)];
            bool allowed = !markersOnlyInFront || left.EndsWith('▁') || !right.StartsWith('▁');
            if (allowed && left.Length + right.Length <= 12 && !merges.Contains((left, right)))
            {
                tiny.Merge(left, right);
                merges.Add((left, right));
                tokens.Add(left + right);
            }
        }

        return merges;
    }

    private static int[] ByDefinition(string text, TinyTokenizer tiny, List<(string Left, string Right)> merges)
    {
        var symbols = new List<string>();
        foreach (Rune rune in text.EnumerateRunes())
        {
            symbols.AddRange("abcd▁".Contains(rune.ToString(), StringComparison.Ordinal)
                ? [rune.ToString()]
                : Encoding.UTF8.GetBytes(rune.ToString()).Select(value => $"<0x{value:X2}>"));
        }

        while (true)
        {
            (int rank, int at) = Enumerable.Range(0, Math.Max(0, symbols.Count - 1))
                .Select(i => (merges.IndexOf((symbols[i], symbols[i + 1])), i))
                .Where(found => found.Item1 >= 0)
                .DefaultIfEmpty((-1, -1))
                .Min();
            if (rank < 0)
            {
                return [.. symbols.Select(tiny.Id)];
            }

            symbols[at] += symbols[at + 1];
            symbols.RemoveAt(at + 1);
        }
    }
}

using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Tool.Tokenizers;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>
/// Hand-written scanners and compiled patterns cut text as System.Text.RegularExpressions does with the published pattern. Its characters
/// are UTF-16 units, so it sees, for a character outside the BMP, one of the same category inside it.
/// </summary>
public sealed class PiecePatternTests
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Llama3 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Qwen2 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Characters with what stands for them before the .NET expressions.</summary>
    private static readonly (string Real, string Twin)[] Alphabet =
    [
        .. "''''  \n\r\t aAsStTdDmMlLrReEvVzZ0129.,!?-_/$+<\u00A0\u3000\u2028\u0085\u200B中文字ßñЖعカ한\u0301\u0903²½Ⅷ٣٤—“”€☃\u01C5ʰ\0".Select(c => (c.ToString(), c.ToString())),
        ("𝒳", "Ж"), ("😀", "☃"), ("𝟘", "٣"), ("𐐀", "Ж"), ("𠀀", "ע"),
    ];

    private static readonly Gen<(string Real, string Twin)[]> Texts = Gen.Int[0, Alphabet.Length - 1].Select(index => Alphabet[index]).Array[0, 48];

    public static TheoryData<string, int> Scanners => new() { { Gpt2, (int)SplitPattern.Gpt2 }, { Llama3, (int)SplitPattern.Llama3 }, { Qwen2, (int)SplitPattern.Qwen2 } };

    /// <summary>Patterns of published tokenizers that have no scanner of their own.</summary>
    public static TheoryData<string> Patterns =>
    [
        Gpt2,
        Llama3,
        Qwen2,
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        @"[一-龥\u3040-\u30FF가-힣]+",
        @"\p{N}{1,3}",
        @"(?:a|ab)(?:s|st)(?=\P{L})|[^\S\r\n]+|\d{2,}",
    ];

    [Theory]
    [MemberData(nameof(Scanners))]
    public void Scanner_cuts_as_the_published_pattern(string pattern, int code)
    {
        Matcher scanner = (SplitPattern)code switch
        {
            SplitPattern.Gpt2 => new Gpt2Scanner(),
            SplitPattern.Llama3 => new Llama3Scanner(digits: 3),
            _ => new Llama3Scanner(digits: 1),
        };
        Compare(pattern, scanner);
    }

    [Theory]
    [MemberData(nameof(Patterns))]
    public void Compiled_pattern_matches_as_the_expression(string pattern)
    {
        byte[] program = PatternCompiler.Compile(pattern, "pattern");
        Compare(pattern, new PatternMatcher(MemoryMarshal.Cast<byte, int>(program).ToArray()));
    }

    [Theory]
    [InlineData("a*", "matches an empty text")]
    [InlineData("(a+)+", "repeats without bound itself")]
    [InlineData("(?<=a)b", "a group of another kind")]
    [InlineData(@"\p{Han}+", "no general category")]
    [InlineData("a+?", "not greedy")]
    [InlineData("^a", "an anchor")]
    [InlineData("(a", "without a closing one")]
    [InlineData("a)", "without an opening one")]
    [InlineData("[a", "does not end")]
    [InlineData(@"\1", @"the escape \1")]
    [InlineData("a{2,1}", "bounds")]
    [InlineData("a{99999}", "a bound")]
    public void Refuses_what_it_does_not_support(string pattern, string expected)
    {
        TokenizerFileException refused = Assert.Throws<TokenizerFileException>(() => PatternCompiler.Compile(pattern, "pre_tokenizer.pattern"));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.Equal("pre_tokenizer.pattern", refused.Path);
    }

    [Fact]
    public void Long_runs_take_linear_time()
    {
        byte[] program = PatternCompiler.Compile(Llama3, "pattern");
        var matcher = new PatternMatcher(MemoryMarshal.Cast<byte, int>(program).ToArray());
        foreach (string unit in new[] { " ", "a", "'", "1", "中" })
        {
            byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(unit, 1 << 20)));
            Assert.True(matcher.TryFind(text, 0, out int begin, out int end));
            Assert.True(begin == 0 && end > 0);
        }
    }

    private static void Compare(string pattern, Matcher matcher)
    {
        var expression = new Regex(pattern, RegexOptions.CultureInvariant);
        Texts.Sample(
            characters =>
            {
                byte[] text = Encoding.UTF8.GetBytes(string.Concat(characters.Select(character => character.Real)));
                string twin = string.Concat(characters.Select(character => character.Twin));
                (int, int)[] expected = [.. expression.Matches(twin).Select(match => (match.Index, match.Index + match.Length))];
                var found = new List<(int, int)>();
                for (int at = 0; at < text.Length && matcher.TryFind(text, at, out int begin, out int end); at = end)
                {
                    found.Add((Count(text[..begin]), Count(text[..end])));
                }

                Assert.Equal(expected, found);
            },
            iter: 2000,
            seed: "0N0XIzNsQ0O2",
            threads: 1);

        static int Count(byte[] utf8) => Encoding.UTF8.GetString(utf8).EnumerateRunes().Count();
    }
}

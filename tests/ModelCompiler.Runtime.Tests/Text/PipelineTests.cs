using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>Each component of a tokenizer.json does what the reference's does.</summary>
public sealed class PipelineTests
{
    private const string Dash = """{"type":"Split","pattern":{"String":"-"},"behavior":"BEHAVIOUR","invert":INVERT}""";

    [Theory]
    [InlineData("Removed", false, "the|final|countdown")]
    [InlineData("Isolated", false, "the|-|final|-|-|countdown")]
    [InlineData("MergedWithPrevious", false, "the-|final-|-|countdown")]
    [InlineData("MergedWithNext", false, "the|-final|-|-countdown")]
    [InlineData("Contiguous", false, "the|-|final|--|countdown")]
    [InlineData("Removed", true, "-|-|-")]
    [InlineData("Isolated", true, "the|-|final|-|-|countdown")]
    public void Split_behaviours(string behaviour, bool invert, string expected) =>
        Assert.Equal(expected, Pieces(Dash.Replace("BEHAVIOUR", behaviour).Replace("INVERT", invert ? "true" : "false"), "the-final--countdown"));

    [Theory]
    [InlineData("""{"type":"Digits","individual_digits":true}""", "ab123c²", "ab|1|2|3|c|²")]
    [InlineData("""{"type":"Digits","individual_digits":false}""", "ab123c²", "ab|123|c|²")]
    [InlineData("""{"type":"Whitespace"}""", "Hey, it's  né_1 中文!?", "Hey|,|it|'|s|né_1|中文|!?")]
    [InlineData("""{"type":"WhitespaceSplit"}""", " a  b\u3000c\n", "a|b|c")]
    [InlineData("""{"type":"Punctuation"}""", "a.,b。$", "a|.|,|b|。|$")]
    [InlineData("""{"type":"Punctuation","behavior":"Contiguous"}""", "a.,b", "a|.,|b")]
    [InlineData("""{"type":"CharDelimiterSplit","delimiter":"/"}""", "/a//b", "a|b")]
    [InlineData("""{"type":"Split","pattern":{"Regex":"\\d{1,2}|x+"},"behavior":"Isolated","invert":false}""", "a123xxb", "a|12|3|xx|b")]
    [InlineData("""{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"Punctuation"}]}""", "a12.b", "a|1|2|.|b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""", "a b  c", "▁a|▁b|▁|▁c")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":false}""", " a b", "▁a▁b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"never"}""", "a b", "a|▁b")]
    [InlineData("""{"type":"Metaspace","replacement":"▁","add_prefix_space":true}""", "a", "▁a")]
    public void Pre_tokenizers(string preTokenizer, string text, string expected) => Assert.Equal(expected, Pieces(preTokenizer, text));

    [Theory]
    [InlineData("""{"type":"NFC"}""", "e\u0301", "é")]
    [InlineData("""{"type":"NFD"}""", "é", "e\u0301")]
    [InlineData("""{"type":"NFC"}""", "\u1112\u1161\u11AB\u1100\u1161", "한가")]
    [InlineData("""{"type":"NFC"}""", "a\u0315\u0301\u0323", "\u1EA1\u0301\u0315")]
    [InlineData("""{"type":"NFC"}""", "\u0958\u2126", "\u0915\u093C\u03A9")]
    [InlineData("""{"type":"NFC"}""", "ﬁ①plain", "ﬁ①plain")]
    [InlineData("""{"type":"NFD"}""", "한", "\u1112\u1161\u11AB")]
    [InlineData("""{"type":"NFD"}""", "ǖ", "u\u0308\u0304")]
    [InlineData("""{"type":"NFKC"}""", "ﬁ①", "fi1")]
    [InlineData("""{"type":"NFKD"}""", "é²", "e\u03012")]
    [InlineData("""{"type":"Lowercase"}""", "AÉİΣ𐐀", "aéi\u0307σ𐐨")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":true}""", " \t a b\u3000\n", "a b")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":false}""", " a ", "a ")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"}]}""", "naïve", "naive")]
    [InlineData("""{"type":"Replace","pattern":{"String":"ab"},"content":"X"}""", "abcabab", "XcXX")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"}""", "a b  c   d", "a b▁c▁d")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":"\\n+"},"content":""}""", "a\n\nb\n", "ab")]
    [InlineData("""{"type":"Prepend","prepend":"▁"}""", "", "")]
    public void Normalizers(string normalizer, string text, string expected)
    {
        var tiny = new TinyTokenizer(["x"]);
        tiny.Parts["normalizer"] = normalizer;
        Assert.Equal(expected, System.Text.Encoding.UTF8.GetString(tiny.Open().Normalize(System.Text.Encoding.UTF8.GetBytes(text))));
    }

    [Theory]
    [InlineData("a<s>b", "a|<s>|b")]
    [InlineData("<s><s>", "<s>|<s>")]
    [InlineData("<s", "<|s")]
    [InlineData("<s>>", "<s>>")]
    [InlineData("a <l> b", "a|<l>| |b")]
    [InlineData("a <r> b", "a| |<r>|b")]
    public void Added_tokens(string text, string expected)
    {
        TinyTokenizer tiny = TinyTokenizer.OfBytes()
            .Added("<s>").Added("<s>>", special: false).Added("<l>", lstrip: true).Added("<r>", rstrip: true);
        Tokenizer tokenizer = tiny.Open();
        Assert.Equal(expected, string.Join('|', tokenizer.Encode(text).Select(id => tokenizer.Decode([id], skipSpecialTokens: false))));
    }

    [Fact]
    public void Single_words_stand_alone()
    {
        Tokenizer tokenizer = TinyTokenizer.OfBytes().Added("word", singleWord: true).Open();
        Assert.Single(tokenizer.Encode("word"));
        Assert.Equal(3, tokenizer.Encode(" word.").Length);
        Assert.Equal(5, tokenizer.Encode("words").Length);
        Assert.Equal(5, tokenizer.Encode("_word").Length);
    }

    [Fact]
    public void Normalized_added_tokens_are_found_after_normalisation()
    {
        TinyTokenizer tiny = TinyTokenizer.OfBytes().Added("<Tag>", normalized: true).Added("<Raw>");
        tiny.Parts["normalizer"] = """{"type":"Lowercase"}""";
        Tokenizer tokenizer = tiny.Open();
        Assert.Equal([1000], tokenizer.Encode("<TAG>"));
        Assert.Equal([1001], tokenizer.Encode("<Raw>"));
        Assert.Equal(5, tokenizer.Encode("<RAW>").Length);
    }

    [Fact]
    public void Metaspace_first_puts_its_character_only_where_the_text_begins()
    {
        TinyTokenizer tiny = TinyTokenizer.WithByteFallback(["a", "▁"]).Added("<s>");
        tiny.Parts.Remove("normalizer");
        tiny.Parts["pre_tokenizer"] = """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""";
        tiny.Parts["decoder"] = """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}""";
        Tokenizer tokenizer = tiny.Open();
        int a = tiny.Id("a");
        Assert.Equal([tiny.Id("▁"), a, 1000, a], tokenizer.Encode("a<s>a"));
        Assert.Equal([1000, a], tokenizer.Encode("<s>a"));
        Assert.Equal("a a", tokenizer.Decode(tokenizer.Encode("a a")));
    }

    [Fact]
    public void Templates_put_special_tokens_around_the_text()
    {
        TinyTokenizer tiny = TinyTokenizer.OfBytes().Added("<s>").Added("</s>");
        tiny.Parts["post_processor"] = """
            {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",
            "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],
            "pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[1000],"tokens":["<s>"]},"</s>":{"id":"</s>","ids":[1001],"tokens":["</s>"]}}}]}
            """;
        Tokenizer tokenizer = tiny.Open("""{"bos_token":"<s>","eos_token":{"content":"</s>"}}""");
        Assert.Equal([1000, tiny.Id("a"), 1001], tokenizer.Encode("a"));
        Assert.Equal([tiny.Id("a")], tokenizer.Encode("a", addSpecialTokens: false));
        Assert.Equal([1000, 1001], tokenizer.Encode(""));
        Assert.Equal((1000, 1001), (tokenizer.BeginId, tokenizer.EndId));
        Assert.Equal("a", tokenizer.Decode([1000, tiny.Id("a"), 1001]));
        Assert.True(tokenizer.IsSpecial(1000) && !tokenizer.IsSpecial(tiny.Id("a")));
    }

    [Fact]
    public void Tokens_have_the_names_of_the_file()
    {
        TinyTokenizer tiny = TinyTokenizer.OfBytes().Merge("Ġ", "a").Added("<｜begin▁of▁text｜>");
        Tokenizer tokenizer = tiny.Open();
        foreach (string name in new[] { "Ġ", "Ġa", "a", "Ã", "<｜begin▁of▁text｜>" })
        {
            Assert.True(tokenizer.TryGetId(name, out int id));
            Assert.Equal(name, tokenizer.TokenText(id));
        }

        Assert.False(tokenizer.TryGetId("nothing", out _));
        Assert.Equal("", tokenizer.TokenText(500));
        Assert.Equal("<｜begin▁of▁text｜>", tokenizer.Decode([1000], skipSpecialTokens: false));

        Tokenizer fallback = TinyTokenizer.WithByteFallback(["▁"]).Open();
        Assert.True(fallback.TryGetId("<0x0A>", out int newline));
        Assert.Equal("<0x0A>", fallback.TokenText(newline));
        Assert.False(fallback.TryGetId("<0x0a>", out _));
    }

    [Fact]
    public void Config_names_further_added_tokens()
    {
        Tokenizer tokenizer = TinyTokenizer.OfBytes().Open("""{"added_tokens_decoder":{"300":{"content":"<x>","special":true}},"eos_token":"<x>"}""");
        Assert.Equal([300], tokenizer.Encode("<x>"));
        Assert.Equal(300, tokenizer.EndId);
    }

    /// <summary>The pieces that a pre-tokenizer makes: with a vocabulary of everything that a piece might be, each is one token.</summary>
    private static string Pieces(string preTokenizer, string text)
    {
        string marked = "▁" + text.Replace(' ', '▁');
        IEnumerable<string> candidates = new[] { text, marked }
            .SelectMany(all => Enumerable.Range(0, all.Length).SelectMany(begin => Enumerable.Range(1, all.Length - begin).Select(length => all.Substring(begin, length))))
            .Distinct();
        var tiny = new TinyTokenizer(candidates);
        tiny.Model("ignore_merges", true);
        tiny.Parts["pre_tokenizer"] = preTokenizer;
        Tokenizer tokenizer = tiny.Open();
        return string.Join('|', tokenizer.Encode(text).Select(tokenizer.TokenText));
    }
}

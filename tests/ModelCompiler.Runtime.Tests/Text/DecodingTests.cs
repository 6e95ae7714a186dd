using System.Text;
using CsCheck;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>Decoding in one piece and token by token.</summary>
public sealed class DecodingTests
{
    private static readonly TinyTokenizer Bytes = TinyTokenizer.OfBytes().Merge("ä", "½").Added("<end>");
    private static readonly TinyTokenizer Fallback = TinyTokenizer.WithByteFallback(["▁", "a", "中"]).Added("<end>");

    [Fact]
    public void A_character_waits_for_its_last_byte()
    {
        StreamingDecoder decoder = Bytes.Open().CreateDecoder();
        byte[] bytes = Encoding.UTF8.GetBytes("中😀");
        string[] pieces = [.. bytes.Select(value => decoder.Append(Bytes.Id(TokenNames.Character(value).ToString())))];
        Assert.Equal(["", "", "中", "", "", "", "😀"], pieces);
        Assert.Equal("", decoder.Flush());
    }

    [Fact]
    public void Byte_tokens_join_to_characters()
    {
        Tokenizer tokenizer = Fallback.Open();
        int[] ids = [Fallback.Id("▁"), Fallback.Id("<0xE4>"), Fallback.Id("<0xBD>"), Fallback.Id("<0xA0>"), Fallback.Id("a")];
        StreamingDecoder decoder = tokenizer.CreateDecoder();
        Assert.Equal(["", "", "", "你", "a"], ids.Select(decoder.Append));
        Assert.Equal("你a", tokenizer.Decode(ids));
    }

    [Fact]
    public void The_first_space_is_cut_once()
    {
        Tokenizer tokenizer = Fallback.Open();
        int space = Fallback.Id("▁");
        Assert.Equal(" a ", tokenizer.Decode([space, space, Fallback.Id("a"), space]));
        Assert.Equal("a ", tokenizer.Decode([Fallback.Id("a"), space]));
    }

    [Theory]
    [InlineData(new[] { 0xE4, 0xBD }, "\uFFFD")]
    [InlineData(new[] { 0xE4, 0x61 }, "\uFFFDa")]
    [InlineData(new[] { 0xFF, 0xFE }, "\uFFFD\uFFFD")]
    [InlineData(new[] { 0xF0, 0x9F, 0x98, 0xE4, 0xB8, 0xAD }, "\uFFFD中")]
    public void Broken_bytes_of_a_byte_level_vocabulary_are_replaced(int[] bytes, string expected)
    {
        Tokenizer tokenizer = Bytes.Open();
        int[] ids = [.. bytes.Select(value => Bytes.Id(TokenNames.Character((byte)value).ToString()))];
        Assert.Equal(expected, tokenizer.Decode(ids));
        StreamingDecoder decoder = tokenizer.CreateDecoder();
        Assert.Equal(expected, string.Concat(ids.Select(decoder.Append)) + decoder.Flush());
    }

    [Fact]
    public void Broken_byte_tokens_are_replaced_one_by_one()
    {
        Tokenizer tokenizer = Fallback.Open();
        Assert.Equal("\uFFFD\uFFFDa", tokenizer.Decode([Fallback.Id("<0xE4>"), Fallback.Id("<0xBD>"), Fallback.Id("a")]));
        Assert.Equal("a\uFFFD\uFFFD", tokenizer.Decode([Fallback.Id("a"), Fallback.Id("<0xE4>"), Fallback.Id("<0xBD>")]));
    }

    [Fact]
    public void Special_tokens_are_left_out_on_request()
    {
        Tokenizer tokenizer = Bytes.Open();
        int[] ids = [Bytes.Id("a"), 1000, Bytes.Id("b")];
        Assert.Equal("ab", tokenizer.Decode(ids));
        Assert.Equal("a<end>b", tokenizer.Decode(ids, skipSpecialTokens: false));
    }

    [Fact]
    public void Ids_outside_the_vocabulary_are_refused_and_holes_decode_to_nothing()
    {
        Tokenizer tokenizer = Bytes.Open();
        Assert.Equal(1001, tokenizer.VocabularySize);
        Assert.Equal("", tokenizer.Decode([700]));
        foreach (int id in new[] { -1, 1001, int.MaxValue, int.MinValue })
        {
            ArgumentOutOfRangeException refused = Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([id]));
            Assert.Contains($"Found token {id}, expected 0 to 1000", refused.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.CreateDecoder().Append(id));
            Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.TokenText(id));
            Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.IsSpecial(id));
        }
    }

    [Fact]
    public void A_decoder_without_steps_joins_with_spaces()
    {
        Tokenizer tokenizer = new TinyTokenizer(["a", "b"]).Open();
        Assert.Equal("a b", tokenizer.Decode([0, 1]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Streamed_is_what_one_piece_is(bool fallback)
    {
        Tokenizer tokenizer = (fallback ? Fallback : Bytes).Open();
        Gen.Int[0, 258].Array[0, 30].Sample(
            ids =>
            {
                StreamingDecoder decoder = tokenizer.CreateDecoder(skipSpecialTokens: false);
                string streamed = string.Concat(ids.Select(decoder.Append)) + decoder.Flush();
                Assert.Equal(tokenizer.Decode(ids, skipSpecialTokens: false), streamed);
                if (!fallback)
                {
                    byte[] bytes = [.. ids.SelectMany(id => id < 256 ? [(byte)id] : id == 256 ? new byte[] { 0xE4, 0xBD } : [])];
                    Assert.Equal(Encoding.UTF8.GetString(bytes), streamed);
                }
            },
            iter: 3000,
            threads: 1);
    }

    [Fact]
    public void Text_comes_back()
    {
        foreach (Tokenizer tokenizer in new[] { Bytes.Open(), Fallback.Open() })
        {
            Gen.String.Sample(
                text =>
                {
                    // Half a surrogate pair is no text; it counts as U+FFFD.
                    string valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
                    Assert.Equal(valid, tokenizer.Decode(tokenizer.Encode(text)));
                },
                iter: 1000,
                threads: 1);
        }
    }
}

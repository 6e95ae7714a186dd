using System.Text;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Tool.Tokenizers;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>Broken files and broken packed tokenizers are refused with a typed exception, or work; nothing else happens.</summary>
public sealed class HostileTokenizerTests
{
    private const string Model = """{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}""";

    [Theory]
    [InlineData("{", "tokenizer.json: found text that is no JSON (")]
    [InlineData("[]", "found [], expected an object")]
    [InlineData("{}", "model: found nothing, expected an object")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[]}}""", "model.type: found \"Unigram\", expected BPE")]
    [InlineData("""{"model":{"vocab":{},"merges":[]}}""", "model.vocab: found {}, expected at least one token")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":0}}}""", "an id of its own: 0 is that of 'a' already")]
    [InlineData("""{"model":{"vocab":{"a":0,"a":1}}}""", "each token once")]
    [InlineData("""{"model":{"vocab":{"a":-1}}}""", "found -1, expected an integer from 0")]
    [InlineData("""{"model":{"vocab":{"a":2000000000}}}""", "an id of at most 16777216")]
    [InlineData("""{"model":{"vocab":{"a":1.5}}}""", "found 1.5, expected an integer")]
    [InlineData("""{"model":{"vocab":{"\ud800":1}}}""", "half of a surrogate pair")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":["a b"]}}""", "model.merges[0]: found a merge of 'a' and 'b', expected 'b' in the vocabulary")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":1},"merges":["a b"]}}""", "expected 'ab' in the vocabulary")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":["a"]}}""", "two tokens with one space between")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[["a"]]}}""", "expected two tokens")]
    [InlineData("""{"model":{"vocab":{"a":0},"unk_token":"x"}}""", "model.unk_token: found \"x\", expected one of the tokens")]
    [InlineData("""{"model":{"vocab":{"a":0},"dropout":0.1}}""", "dropout makes tokens random")]
    [InlineData("""{"model":{"vocab":{"a":0},"end_of_word_suffix":"</w>"}}""", "affixes of subwords are not supported")]
    [InlineData("""{"model":{"vocab":{"a":0}},"normalizer":{"type":"Precompiled"}}""", "normalizer.type: found \"Precompiled\", expected one of Sequence, Prepend")]
    [InlineData("""{"model":{"vocab":{"a":0}},"normalizer":{"type":"Replace","pattern":{"Regex":"a|b"},"content":""}}""", "the pattern of a string or of a repeated character")]
    [InlineData("""{"model":{"vocab":{"a":0}},"pre_tokenizer":{"type":"BertPreTokenizer"}}""", "pre_tokenizer.type: found \"BertPreTokenizer\", expected one of Sequence, ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, CharDelimiterSplit, Metaspace")]
    [InlineData("""{"model":{"vocab":{"a":0}},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]}}""", "found Digits after ByteLevel, expected ByteLevel as the last")]
    [InlineData("""{"model":{"vocab":{"a":0}},"pre_tokenizer":{"type":"ByteLevel"}}""", "decoder: found no ByteLevel, expected it")]
    [InlineData("""{"model":{"vocab":{"a":0}},"decoder":{"type":"WordPiece"}}""", "decoder.type: found \"WordPiece\", expected one of Sequence, ")]
    [InlineData("""{"model":{"vocab":{"a":0}},"decoder":{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"ByteFallback"}]}}""", "decoder.decoders[1]: found ByteFallback after Fuse, expected Strip only")]
    [InlineData("""{"model":{"vocab":{"a":0}},"post_processor":{"type":"TemplateProcessing","single":[],"special_tokens":{}}}""", "the text A once")]
    [InlineData("""{"model":{"vocab":{"a":0}},"added_tokens":[{"id":0,"content":"b","special":true}]}""", "found the added token 'b' with id 0, expected an id of its own: 0 is that of 'a' already")]
    public void A_broken_file_is_refused(string json, string expected)
    {
        TokenizerFileException refused = Assert.Throws<TokenizerFileException>(() => TokenizerPacker.Pack(json));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_merge_that_is_listed_twice_has_its_later_rank()
    {
        const string Json = """{"model":{"vocab":{"a":0,"b":1,"c":2,"ab":3,"bc":4},"merges":["a b","b c","a b"]}}""";
        Assert.Equal([0, 4], new Tokenizer(TokenizerPacker.Pack(Json)).Encode("abc"));
    }

    [Fact]
    public void The_model_may_have_more_rows_than_the_tokenizer_has_tokens()
    {
        var tokenizer = new Tokenizer(TokenizerPacker.Pack($$"""{"model":{{Model}}}""", leastVocabulary: 64));
        Assert.Equal(64, tokenizer.VocabularySize);
        Assert.Equal("", tokenizer.Decode([63]));
    }

    [Fact]
    public void Packing_is_deterministic()
    {
        string json = TinyTokenizer.OfBytes().Merge("a", "b").Added("<s>").Json();
        Assert.Equal(TokenizerPacker.Pack(json), TokenizerPacker.Pack(json));
    }

    [Fact]
    public void Half_a_surrogate_pair_counts_as_a_replacement_character()
    {
        Tokenizer tokenizer = TinyTokenizer.OfBytes().Open();
        foreach ((string text, string expected) in new[] { ("\ud800", "\uFFFD"), ("a\udc00b", "a\uFFFDb"), ("\udc00\ud800", "\uFFFD\uFFFD") })
        {
            Assert.Equal(tokenizer.Encode(expected), tokenizer.Encode(text));
        }
    }

    [Fact]
    public void A_long_text_with_a_surrogate_pair_at_every_seam_comes_back()
    {
        Tokenizer tokenizer = TinyTokenizer.OfBytes().Open();
        string text = "x" + string.Concat(Enumerable.Repeat("😀中", 100_000));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public unsafe void Unaligned_memory_of_somebody_else_serves_as_well()
    {
        byte[] packed = TinyTokenizer.OfBytes().Merge("a", "b").Pack();
        var shifted = GC.AllocateArray<byte>(packed.Length + 3, pinned: true);
        packed.CopyTo(shifted, 3);
        fixed (byte* data = shifted)
        {
            var tokenizer = new Tokenizer(data + 3, packed.Length, shifted);
            Assert.Equal([256], tokenizer.Encode("ab"));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => new Tokenizer(null, 100));
    }

    [Fact]
    public void Opening_takes_the_same_memory_for_any_vocabulary()
    {
        byte[] small = TinyTokenizer.OfBytes().Pack();
        byte[] large = TokenizerPacker.Pack(TinyTokenizer.OfBytes().Json(), leastVocabulary: 500_000);
        Assert.True(large.Length > 2_000_000);
        _ = new Tokenizer(small);
        Assert.Equal(Allocated(small), Allocated(large));

        static long Allocated(byte[] packed)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            _ = new Tokenizer(packed);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        byte[] packed = new TinyTokenizer(["a", "b"]).Merge("a", "b").Pack();
        for (int length = 0; length < packed.Length; length++)
        {
            Assert.Throws<TokenizerFormatException>(() => new Tokenizer(packed.AsMemory(0, length)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Altered_bytes_never_do_harm(int seed)
    {
        TinyTokenizer[] kinds = [Rich(byteLevel: false), Rich(byteLevel: true)];
        var random = new Random(seed);
        int refused = 0;
        foreach (byte[] packed in kinds.Select(kind => kind.Pack()))
        {
            for (int round = 0; round < 2000; round++)
            {
                byte[] altered = [.. packed];
                for (int i = random.Next(1, 4); i > 0; i--)
                {
                    // Half of the changes go to the header, the steps and the patterns, which say most.
                    int at = random.Next(2) == 0 ? random.Next(packed.Length) : random.Next(PackedTokenizerFormat.HeaderLengthBytes);
                    altered[at] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)(altered[at] ^ (1 << random.Next(8)));
                }

                refused += Exercise(altered) ? 0 : 1;
            }
        }

        Assert.True(refused > 100);
    }

    private static TinyTokenizer Rich(bool byteLevel)
    {
        const string Split = """{"type":"Split","pattern":{"Regex":"[^x\\s]{1,9}(?=\\S)| ?\\p{L}+(?!\\s)|\\d{2}(?:ab){0,2}"},"behavior":"Isolated","invert":false}""";
        TinyTokenizer tiny = byteLevel
            ? TinyTokenizer.OfBytes($$"""{"type":"Sequence","pretokenizers":[{{Split}},{"type":"ByteLevel","add_prefix_space":true}]}""")
            : TinyTokenizer.WithByteFallback(["▁", "a", "b", "c", "é"]);
        tiny.Merge("a", "b").Merge("ab", "c").Added("<s>").Added("<pad>", normalized: true, lstrip: true).Added("word", singleWord: true, rstrip: true);
        tiny.Parts["post_processor"] = """{"type":"RobertaProcessing","cls":["<s>",1000],"sep":["<pad>",1001]}""";
        if (byteLevel)
        {
            tiny.Parts["normalizer"] = """{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"},{"type":"Strip"},{"type":"Replace","pattern":{"Regex":"x{2,}"},"content":"x"}]}""";
        }

        return tiny;
    }

    /// <summary>Uses all of a tokenizer; false when it said that it is broken. Any other exception fails the test.</summary>
    private static bool Exercise(byte[] packed)
    {
        try
        {
            var tokenizer = new Tokenizer(packed);
            string text = "<s> abc ab é中😀 word xx 12ab <pad>" + new string('a', 60);
            int[] ids = tokenizer.Encode(text);
            tokenizer.Decode(ids);
            for (int id = 0; id < Math.Min(tokenizer.VocabularySize, 1100); id += 7)
            {
                tokenizer.Decode([id, id]);
                tokenizer.TryGetId(tokenizer.TokenText(id), out _);
            }

            return true;
        }
        catch (TokenizerFormatException)
        {
            return false;
        }
    }
}

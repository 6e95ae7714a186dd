using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Tests.Text;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Runtime.Tests.Generation;

public sealed class GenerationTests
{
    private static readonly GenerationOptions greedy = new() { Temperature = 0 };

    [Theory]
    [InlineData(null, "lmnopqrstuvwxyz", FinishReason.EndToken)]
    [InlineData(5, "lmnop", FinishReason.MaxTokens)]
    [InlineData(6, "lmnopq", FinishReason.MaxTokens)]
    public void WritesUntilTheEnd(int? maxTokens, string expected, FinishReason reason)
    {
        using FakeModel model = Alphabet();
        TextGeneration generation = model.Generate("abck", greedy with { MaxTokens = maxTokens });
        Assert.Throws<InvalidOperationException>(() => generation.Result);
        Assert.Equal(expected, string.Concat(generation));
        Assert.Equal(expected, string.Concat(generation));
        Assert.Equal(reason, generation.Result.FinishReason);
        Assert.Equal(4, generation.Result.PromptTokens);
        Assert.Equal(expected.Select(c => FakeCodec.Id(c)), generation.Result.Tokens.Select(token => token.Id));
        Assert.True(generation.Result.TokensPerSecond > 0 && generation.Result.PromptTokensPerSecond > 0);
    }

    [Fact]
    public void EndsWithTheContext()
    {
        using FakeModel model = Alphabet(description => description with { ContextLength = 10 });
        TextGeneration generation = model.Generate("abcd", greedy);
        Assert.Equal("efghijk", string.Concat(generation));
        Assert.Equal(FinishReason.ContextEnd, generation.Result.FinishReason);
        Assert.Throws<ContextFullException>(() => string.Concat(model.Generate("abcdefghijk", greedy)));
    }

    [Fact]
    public void AnEmptyPromptBeginsWithTheBeginToken()
    {
        using FakeModel model = Alphabet(description => description with { BeginToken = FakeCodec.Id('v') });
        TextGeneration generation = model.Generate("", greedy);
        Assert.Equal("wxyz", string.Concat(generation));
        Assert.Equal(1, generation.Result.PromptTokens);
        using Session session = model.CreateSession();
        Assert.Equal("wx", string.Concat(session.Generate("", greedy with { MaxTokens = 2 })));
        Assert.Equal(FakeCodec.Ids("vw"), session.Tokens);
        Assert.Contains("behind what the session has read", Assert.Throws<ArgumentException>(() => { session.Generate("", greedy); }).Message);
    }

    [Fact]
    public void APromptWithoutTokensIsRefusedBeforeItIsEnumerated()
    {
        using FakeModel model = Alphabet();
        using Session session = model.CreateSession();
        Assert.Contains("'fake' has no begin token", Assert.Throws<ArgumentException>(() => { model.Generate("", greedy); }).Message);
        Assert.Throws<ArgumentException>(() => { session.Generate("", greedy); });
        Assert.Throws<ArgumentException>(() => { model.GenerateTokens([], greedy); });
        Assert.Throws<ArgumentException>(() => { session.GenerateTokens([], greedy); });
        Assert.Throws<ArgumentNullException>(() => { model.Generate(null!, greedy); });
    }

    [Fact]
    public void EndTokensCanBeIgnored()
    {
        using FakeModel model = Alphabet();
        TokenGeneration generation = model.GenerateTokens(FakeCodec.Ids("xy"), greedy with { IgnoreEndTokens = true, MaxTokens = 3 });
        Assert.Equal([FakeCodec.Id('z'), 1, 1], generation);
        Assert.Equal([FakeCodec.Id('z')], model.GenerateTokens(FakeCodec.Ids("xy"), greedy));
    }

    [Theory]
    [InlineData("fgh", "de", FinishReason.StopText)]
    [InlineData("hi", "defg", FinishReason.StopText)]
    [InlineData("fgx|def", "", FinishReason.StopText)]
    [InlineData("ij|fghi|gh", "def", FinishReason.StopText)]
    [InlineData("pq|qr", "defghijklmno", FinishReason.StopText)]
    [InlineData("yzz", "defghijklmnopqrstuvwxyz", FinishReason.EndToken)]
    public void StopTextsNeverComeOut(string stops, string expected, FinishReason reason)
    {
        using FakeModel model = Alphabet();
        TextGeneration generation = model.Generate("abc", greedy with { StopTexts = stops.Split('|') });
        Assert.Equal(expected, string.Concat(generation));
        Assert.Equal(reason, generation.Result.FinishReason);
        Assert.Equal("defghijklmnop", string.Concat(model.Generate("abc", greedy with { StopTexts = ["q"], MaxTokens = 14 })));
        Assert.DoesNotContain("", generation);
    }

    [Fact]
    public void StopTextsAreFoundHoweverTextIsCut()
    {
        const string Text = "aababcabcdababcabcde";
        string[] stops = ["abcde", "abcab", "cdabb", "dababcabcx", "bcdab", "b", "cab"];
        Random random = new(8);
        for (int round = 0; round < 500; round++)
        {
            string[] some = [.. stops.Where(_ => random.Next(2) == 0)];
            StopTextFilter filter = new(some);
            string found = "";
            for (int at = 0; at < Text.Length && !filter.Stopped;)
            {
                int length = Math.Min(random.Next(1, 6), Text.Length - at);
                found += filter.Append(Text.Substring(at, length));
                at += length;
            }

            found += filter.Flush();
            (int End, int Start)[] places = [.. some.Select(stop => (Start: Text.IndexOf(stop, StringComparison.Ordinal), stop.Length))
                .Where(place => place.Start >= 0).Select(place => (place.Start + place.Length, place.Start)).Order()];
            Assert.Equal(places.Length > 0, filter.Stopped);
            Assert.Equal(places.Length > 0 ? Text[..places[0].Start] : Text, found);
        }
    }

    [Fact]
    public void CancellationStopsBetweenTokens()
    {
        using FakeModel model = Alphabet();
        using CancellationTokenSource source = new();
        string text = "";
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (string piece in model.Generate("a", greedy, source.Token))
            {
                text += piece;
                if (text.Length == 3)
                {
                    source.Cancel();
                }
            }
        });
        Assert.Equal("bcd", text);
        Assert.Equal("bcd", string.Concat(model.Generate("a", greedy with { MaxTokens = 3 })));
    }

    [Fact]
    public async Task StreamsAsynchronously()
    {
        using FakeModel model = Alphabet();
        string text = "";
        await foreach (string piece in model.GenerateAsync("u", greedy))
        {
            text += piece;
        }

        Assert.Equal("vwxyz", text);
        using CancellationTokenSource source = new();
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            await foreach (string piece in model.GenerateAsync("a", greedy).WithCancellation(source.Token))
            {
                await source.CancelAsync();
            }
        });
    }

    [Fact]
    public void ASessionIsContinued()
    {
        using FakeModel model = Alphabet();
        using Session session = model.CreateSession();
        Assert.Equal("def", string.Concat(session.Generate("abc", greedy with { MaxTokens = 3 })));
        Assert.Equal(5, session.Position);
        Assert.Equal("ij", string.Concat(session.Generate("fgh", greedy with { MaxTokens = 2 })));
        Assert.Equal(FakeCodec.Ids("abcdefghi"), session.Tokens);
        Assert.Equal(FakeCodec.Ids("bc"), session.GenerateTokens(FakeCodec.Ids("a"), greedy with { MaxTokens = 2 }));
    }

    [Fact]
    public void LogProbabilitiesAreThoseOfTheModel()
    {
        float[] row = [.. Enumerable.Range(0, FakeModel.Vocab).Select(i => i % 13 / 3f)];
        using FakeModel model = FakeModel.Load((_, logits) => row.CopyTo(logits));
        TokenGeneration generation = model.GenerateTokens([3], new() { Temperature = 0, MaxTokens = 2, LogProbabilities = 3, LogitBias = new Dictionary<int, float> { [5] = 100 } });
        Assert.Equal([5, 5], generation);
        double logOfSum = Math.Log(row.Sum(x => Math.Exp(x)));
        GeneratedToken token = generation.Result.Tokens[1];
        Assert.Equal(row[5] - logOfSum, token.LogProbability!.Value, 1e-6);
        Assert.Equal([12, 25, 38], token.MostLikely.Select(rival => rival.Id));
        Assert.All(token.MostLikely, rival => Assert.Equal(4 - logOfSum, rival.LogProbability, 1e-6));
    }

    [Fact]
    public void ASeedRepeatsAText()
    {
        using FakeModel model = FakeModel.Load();
        TokenGeneration generation = model.GenerateTokens([1, 2], new() { MaxTokens = 50, Temperature = 5, IgnoreEndTokens = true });
        int[] first = [.. generation];
        int[] again = [.. model.GenerateTokens([1, 2], new() { MaxTokens = 50, Temperature = 5, IgnoreEndTokens = true, Seed = generation.Result.Seed })];
        Assert.Equal(first, again);
    }

    [Fact]
    public void WithoutATokenizerThereAreOnlyTokens()
    {
        using FakeModel model = FakeModel.Load();
        Assert.Contains("GenerateTokens", Assert.Throws<InvalidOperationException>(() => model.Generate("a")).Message);
    }

    [Fact]
    public void TheDecoderSeesThePrompt()
    {
        // The codec writes an ellipsis before the first character that a decoder sees.
        using FakeModel model = Alphabet(codec: new FakeCodec(marksBeginning: true));
        Assert.Equal("vwxyz", string.Concat(model.Generate("tu", greedy)));
    }

    [Fact]
    public void APublishedTokenizerWritesWhatItRead()
    {
        const string Text = "Once upon a time, there was a 小猫 — “Tim” 🙂.";
        byte[] packed = PublishedTokenizers.Pack("stories260K");
        int[] ids = [.. new Tokenizer(packed).Encode(Text), 2];
        using FakeModel model = FakeModel.Load(
            (history, logits) =>
            {
                logits.Clear();
                logits[ids[history.Length]] = 1;
            },
            describe: description => description with { Vocab = 512, VocabStride = 512, EndTokens = [2] },
            tokenizer: packed);
        for (int length = 1; length < 25; length++)
        {
            if (!ids.AsSpan().StartsWith(model.Tokenizer!.Encode(Text.AsSpan(0, length))))
            {
                continue; // The prompt alone is cut into other tokens.
            }

            string[] pieces = [.. model.Generate(Text[..length], greedy)];
            Assert.Equal(Text[length..], string.Concat(pieces));
            Assert.All(pieces, piece => Assert.False(char.IsLowSurrogate(piece[0]) || char.IsHighSurrogate(piece[^1])));
        }

        Tokenizer tokenizer = model.Tokenizer!;
        model.Dispose();
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text)));
        Assert.Throws<ObjectDisposedException>(() => model.Generate("a"));
    }

    /// <summary>Behind a letter comes the next one; behind z comes the end.</summary>
    private static FakeModel Alphabet(Func<ModelDescription, ModelDescription>? describe = null, FakeCodec? codec = null)
    {
        FakeModel model = FakeModel.Load(
            (history, logits) =>
            {
                logits.Clear();
                logits[history[^1] == FakeCodec.Id('z') || history[^1] == 1 ? 1 : history[^1] + 1] = 3;
            },
            describe: describe);
        model.Codec = codec ?? new FakeCodec();
        return model;
    }

    /// <summary>A letter is a token; q comes out with the letter behind it, as a half character would.</summary>
    private sealed class FakeCodec(bool marksBeginning = false) : ITextCodec
    {
        public static int Id(char letter) => letter - 'a' + 10;

        public static int[] Ids(string text) => [.. text.Select(Id)];

        public int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens) => Ids(text.ToString());

        public ITextStream CreateDecoder() => new Stream { Waiting = marksBeginning ? "…" : "" };

        private sealed class Stream : ITextStream
        {
            public required string Waiting { get; set; }

            public string Append(int token)
            {
                string text = Waiting + (char)(token - 10 + 'a');
                Waiting = text.EndsWith('q') ? text : "";
                return Waiting.Length > 0 ? "" : text;
            }

            public string Flush() => Waiting;
        }
    }
}

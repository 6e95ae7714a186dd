using HandBuiltModel;
using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Tests;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>samples/HelloModel, as its own build compiled it from the committed folder: what the README's first command shows.</summary>
public sealed class HelloModelTests : IDisposable
{
    private readonly HelloModel model = HelloModel.Load();

    public void Dispose() => model.Dispose();

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("tokenizer.json")]
    public void TheCommittedFilesAreWhatTheProgramWrites(string file)
    {
        using TemporaryFolder folder = new();
        PublishedFolder.Write(folder.Path);
        string committed = Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel", "models", "hello", file);
        Assert.Equal(File.ReadAllBytes(folder.File(file)), File.ReadAllBytes(committed));
    }

    public static TheoryData<string> Sentences => [.. Corpus.Sentences];

    [Theory]
    [MemberData(nameof(Sentences))]
    public void ABeginningGoesOnToTheSentencesEnd(string sentence)
    {
        TextGeneration text = model.Generate(Beginning(sentence), new() { Temperature = 0 });
        Assert.Equal(sentence, Beginning(sentence) + string.Concat(text));
        Assert.Equal(FinishReason.EndToken, text.Result.FinishReason);
    }

    [Fact]
    public void BothLanguagesAreThere()
    {
        Assert.All(Corpus.English, sentence => Assert.True(sentence.All(char.IsAscii)));
        Assert.All(Corpus.Chinese, sentence => Assert.DoesNotContain(sentence, char.IsAscii));
        Assert.Equal(" becomes a red truck, and the big robot becomes a blue plane.", string.Concat(model.Generate("The small robot", new() { Temperature = 0 })));
        Assert.Equal("手臂，变成一辆汽车。", string.Concat(model.Generate("机器人收起", new() { Temperature = 0 })));
    }

    [Theory]
    [InlineData("The capital of", new[] { " France", " China", " Japan", " Italy", " Egypt" })]
    [InlineData("变成一", new[] { "辆", "只", "个" })]
    public void WhereSeveralTokensMayFollowTheyAreEquallyLikely(string prompt, string[] expected)
    {
        TextGeneration text = model.Generate(prompt, new() { MaxTokens = 1, LogProbabilities = expected.Length });
        Assert.Single(text);
        IReadOnlyList<TokenProbability> candidates = text.Result.Tokens[0].MostLikely;
        Assert.Equal(expected.Order(StringComparer.Ordinal), candidates.Select(token => model.Tokenizer!.Decode([token.Id])).Order(StringComparer.Ordinal));
        Assert.All(candidates, token => Assert.Equal(1.0 / expected.Length, Math.Exp(token.LogProbability), 0.005));
    }

    [Fact]
    public void BehindAnUnknownWordASentenceBegins()
    {
        string text = string.Concat(model.Generate("Submarine", new() { Temperature = 0 }));
        Assert.Equal('\n', text[0]);
        Assert.Contains(text[1..], Corpus.Sentences);
    }

    /// <summary>As far as no other sentence begins alike, to the end of the word.</summary>
    private static string Beginning(string sentence)
    {
        int shared = Corpus.Sentences.Where(other => other != sentence)
            .Max(other => sentence.Zip(other).TakeWhile(pair => pair.First == pair.Second).Count());
        int end = shared + 1;
        while (end < sentence.Length && char.IsAsciiLetter(sentence[end - 1]) && char.IsAsciiLetter(sentence[end]))
        {
            end++;
        }

        return sentence[..end];
    }
}

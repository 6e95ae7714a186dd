using ModelCompiler.EndToEnd.Tests.CommandLine;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>What the samples' programs say of a command line that cannot be used: one sentence, as modelc does.</summary>
public sealed class SampleCommandTests : IDisposable
{
    private readonly CommandLine.TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("found '--sead', which is no option of 'StoryWorld', expected perhaps --seed.", "--sead", "1")]
    [InlineData("--documents: found 'x', expected a whole number, at least 1.", "-n", "x")]
    [InlineData("--seed: found nothing behind it, expected a value (S).", "--seed")]
    [InlineData("--output: found an empty text, expected a value (FILE).", "-o", "")]
    public void StoryWorldIsToldWrong(string said, params string[] arguments)
    {
        Finished refused = Run("StoryWorld", arguments).Expect(2);
        Assert.StartsWith($"StoryWorld: error MC320: {said}", refused.Error);
        Assert.Empty(refused.Output);
    }

    [Fact]
    public void APromptLongerThanTheContextIsOneSentence()
    {
        Finished refused = Run("HelloModel", string.Concat(Enumerable.Repeat("gold ", 400))).Expect(1);
        Assert.Matches(@"^\s*Found \d{3} tokens, expected at most 256, the model's context\. Give a shorter text\.\s*$", refused.Error);
    }

    /// <summary>As it lies beside this test.</summary>
    private Finished Run(string program, params string[] arguments) => ChildProcess.Dotnet(folder.Root, [Path.Combine(AppContext.BaseDirectory, program + ".dll"), .. arguments]);
}

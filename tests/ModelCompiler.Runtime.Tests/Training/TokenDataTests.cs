using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Runtime.Tests.Training;

/// <summary>What is learned from, and what is held out.</summary>
public sealed class TokenDataTests
{
    private static readonly int[] Stream = [.. Enumerable.Range(0, 101)];

    [Fact]
    public void EveryThirdDocumentIsHeldOut()
    {
        TokenData data = TokenData.EveryNth([new int[] { 1, 0 }, new int[] { 2, 0 }, new int[] { 3, 0 }, new int[] { 4, 0 }], every: 3);
        Assert.Equal([1, 0, 2, 0, 4, 0], data.Training.ToArray());
        Assert.Equal([3, 0], data.HeldOut.ToArray());
    }

    [Fact]
    public void TheEndIsHeldOut()
    {
        TokenData data = TokenData.Tail(Stream, 0.1);
        Assert.Equal(91, data.Training.Length);
        Assert.Equal(91, data.HeldOut.Span[0]);
    }

    [Fact]
    public void AWindowIsFollowedByItsTargets()
    {
        TrainingBatch batch = new(50, 7);
        new BatchSampler(Stream, seed: 3, length: 7).Draw(batch, 11);
        for (int i = 0; i < batch.Tokens.Length; i++)
        {
            Assert.Equal(batch.Tokens[i] + 1, batch.Targets[i]);
            Assert.True(i % 7 == 0 || batch.Tokens[i] == batch.Tokens[i - 1] + 1);
        }
    }

    [Fact]
    public void WindowsDependOnSeedAndNumberAlone()
    {
        Assert.Equal(Draw(1, 5), Draw(1, 5));
        Assert.NotEqual(Draw(1, 5), Draw(2, 5));
        Assert.NotEqual(Draw(1, 5), Draw(1, 6));

        // Two micro-batches of two sequences are one of four.
        int[] both = [.. Draw(1, 6, sequences: 2), .. Draw(1, 7, sequences: 2)];
        Assert.Equal(Draw(1, 3, sequences: 4), both);
    }

    [Fact]
    public void EveryWindowIsDrawn()
    {
        HashSet<int> starts = [.. Enumerable.Range(0, 3000).Select(i => Draw(9, i, sequences: 1)[0])];
        Assert.Equal(94, starts.Count); // 101 tokens hold 94 windows of 7 with a token behind them
        Assert.Equal((0, 93), (starts.Min(), starts.Max()));
    }

    [Fact]
    public void EvaluationSeesEveryTargetOnce()
    {
        BatchSampler sampler = new(Stream, 0, 7);
        TrainingBatch batch = new(4, 7);
        List<int> targets = [];
        for (int first = 0; first < sampler.Windows; first += 4)
        {
            sampler.Take(batch, first, sampler.Windows);
            targets.AddRange(batch.Targets.ToArray().Where(target => target >= 0));
        }

        Assert.Equal(Stream[1..], targets);
    }

    [Fact]
    public void ATextWithoutAWindowIsRefused()
    {
        TextTooShortException fault = Assert.Throws<TextTooShortException>(() => new BatchSampler(new int[7], 0, 7));
        Assert.Equal((7, 8), (fault.Found, fault.Expected));
        _ = new BatchSampler(new int[8], 0, 7);
    }

    private static int[] Draw(ulong seed, long number, int sequences = 8)
    {
        TrainingBatch batch = new(sequences, 7);
        new BatchSampler(Stream, seed, 7).Draw(batch, number);
        return batch.Tokens.ToArray();
    }
}

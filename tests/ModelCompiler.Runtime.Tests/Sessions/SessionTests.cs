using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Runtime.Tests.Sessions;

public sealed class SessionTests
{
    private static readonly int[] tokens = [.. Enumerable.Range(0, 300).Select(i => (i * 31) % FakeModel.Vocab)];

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 7)]
    [InlineData(2, 64)]
    [InlineData(3, 128)]
    public void LogitsDependOnTokensAloneHoweverThePromptIsCut(int threads, int chunk)
    {
        using FakeModel model = FakeModel.Load(options: new() { Threads = threads, PromptChunk = chunk, AlwaysUseAllThreads = true });
        using Session session = model.CreateSession();
        float[] all = session.Forward(tokens, LogitsFor.All).ToArray();
        for (int i = 0; i < tokens.Length; i++)
        {
            Assert.Equal(Expected(tokens.AsSpan(0, i + 1)), all.AsSpan(i * FakeModel.Vocab, FakeModel.Vocab));
        }

        session.Rewind(100);
        Assert.Equal(0, session.Logits.Rows);
        Assert.Equal(Expected([.. tokens[..100], 5, 6]), session.Forward([5, 6]).Last);
        Assert.Equal(102, session.Position);
        Assert.Equal([.. tokens[..100], 5, 6], session.Tokens);
        Assert.All(model.Steps, step => Assert.InRange(step.Rows, 1, chunk));
        Assert.All(model.Steps, step => Assert.Equal(threads, step.Workers));
    }

    [Fact]
    public void NoLogitsWhenNoneAreAskedFor()
    {
        using FakeModel model = FakeModel.Load();
        using Session session = model.CreateSession();
        Assert.Equal(0, session.Forward(tokens.AsSpan(0, 9), LogitsFor.None).Rows);
        Assert.Equal(9, session.Position);
        Assert.Equal(1, session.Forward(tokens.AsSpan(9, 200)).Rows);
        Assert.Equal(Expected(tokens.AsSpan(0, 209)), session.Logits[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Logits[1].Length);
    }

    [Fact]
    public void TheContextEndsBeforeAnythingChanges()
    {
        using FakeModel model = FakeModel.Load();
        using Session session = model.CreateSession();
        session.Forward(tokens.AsSpan(0, 299));
        long cacheBytes = session.CacheBytes;
        ContextFullException thrown = Assert.Throws<ContextFullException>(() => session.Forward([1, 2]).Rows);
        Assert.Equal((301L, 300), (thrown.Found, thrown.Limit));
        Assert.Equal((299, cacheBytes), (session.Position, session.CacheBytes));
        Assert.Equal(Expected(tokens), session.Forward(tokens.AsSpan(299)).Last);
        Assert.Equal(0, session.Room);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(FakeModel.Vocab)]
    [InlineData(int.MaxValue)]
    public void UnknownTokensAreRefused(int token)
    {
        using FakeModel model = FakeModel.Load();
        using Session session = model.CreateSession();
        ArgumentOutOfRangeException thrown = Assert.Throws<ArgumentOutOfRangeException>(() => session.Forward([0, token]).Rows);
        Assert.Contains($"Token 1: found id {token}, expected 0 … 96", thrown.Message);
        Assert.Throws<ArgumentException>(() => session.Forward([]).Rows);
        Assert.Equal(0, session.Position);
    }

    [Fact]
    public void CancellationBetweenStepsLeavesTheSessionWhereItStood()
    {
        using FakeModel model = FakeModel.Load(options: new() { PromptChunk = 10 });
        using Session session = model.CreateSession();
        session.Forward(tokens.AsSpan(0, 5));
        using CancellationTokenSource source = new();
        model.Interfere = _ =>
        {
            if (model.Steps.Count == 3)
            {
                source.Cancel();
            }
        };
        Assert.Throws<OperationCanceledException>(() => session.Forward(tokens.AsSpan(5, 200), LogitsFor.Last, source.Token).Rows);
        Assert.Equal(3, model.Steps.Count);
        Assert.Equal(5, session.Position);
        Assert.Equal(Expected(tokens.AsSpan(0, 100)), session.Forward(tokens.AsSpan(5, 95)).Last);
    }

    [Fact]
    public void AFailedStepLeavesModelAndSessionUsable()
    {
        using FakeModel model = FakeModel.Load(options: new() { Threads = 3, AlwaysUseAllThreads = true });
        using Session session = model.CreateSession();
        session.Forward(tokens.AsSpan(0, 70));
        model.Interfere = worker =>
        {
            if (worker.Index == 2)
            {
                throw new InvalidDataException("on purpose");
            }
        };
        Assert.Throws<InvalidDataException>(() => session.Forward(tokens.AsSpan(70, 10)).Rows);
        Assert.Equal((70, 0), (session.Position, session.Logits.Rows));
        model.Interfere = null;
        Assert.Equal(Expected(tokens.AsSpan(0, 80)), session.Forward(tokens.AsSpan(70, 10)).Last);
    }

    /// <summary>Rows of 64 words, then words of one, two or four positions: up to the last position, all are kept, from there on none.</summary>
    [Theory]
    [InlineData(16, 1)]
    [InlineData(8, 2)]
    [InlineData(6, 4)]
    public unsafe void WhatWasRewoundIsZeroAgain(int positionRows, int positionsPerWord)
    {
        const int HeadWords = 16;
        CacheLayout layout = new("any", blocks: 6, positionRows, HeadWords, positionsPerWord);
        using FakeModel model = FakeModel.Load();
        using KeyValueCache cache = new(model.Description with { Cache = layout });
        cache.Reserve(100);
        int words = (int)layout.PageBytes / sizeof(uint), blockWords = words / 6, bits = 32 / positionsPerWord;
        Assert.Equal((positionRows * 64) + (64 / positionsPerWord * HeadWords), blockWords);
        foreach (int kept in (int[])[63, 10, 9, 8, 7])
        {
            cache.Truncate(64);
            new Span<byte>(cache.Pages[0], 4 * words).Fill(0xFF);
            cache.Truncate(kept);
            Assert.True(cache.Pages[1] is null);
            for (int i = 0; i < words; i++)
            {
                int inBlock = i % blockWords, first = (inBlock - (positionRows * 64)) / HeadWords * positionsPerWord;
                ulong expected = inBlock < positionRows * 64
                    ? inBlock % 64 < kept ? uint.MaxValue : 0
                    : (1ul << (bits * Math.Clamp(kept - first, 0, positionsPerWord))) - 1;
                Assert.Equal(expected, ((uint*)cache.Pages[0])[i]);
            }
        }
    }

    [Fact]
    public void SeveralSessionsShareSteps()
    {
        using FakeModel model = FakeModel.Load(options: new() { Threads = 2, AlwaysUseAllThreads = true, PromptChunk = 50 });
        using Session a = model.CreateSession();
        using Session b = model.CreateSession();
        using Session c = model.CreateSession();
        model.Forward([new(a, tokens.AsMemory(0, 30)), new(b, tokens.AsMemory(3, 90), LogitsFor.All), new(c, tokens.AsMemory(1, 1))]);
        Assert.Equal([50, 50, 21], model.Steps.Select(step => step.Rows));
        Assert.Equal(Expected(tokens.AsSpan(0, 30)), a.Logits.Last);
        Assert.Equal(90, b.Logits.Rows);
        for (int i = 0; i < 90; i++)
        {
            Assert.Equal(Expected(tokens.AsSpan(3, i + 1)), b.Logits[i]);
        }

        Assert.Equal(Expected(tokens.AsSpan(1, 1)), c.Logits.Last);
        model.Forward([new(c, new int[] { 4 }), new(a, new int[] { 5 })]);
        Assert.Equal((2, 2, true, 2), model.Steps[^1]);
        Assert.Equal(Expected([tokens[1], 4]), c.Logits.Last);
        Assert.Equal(Expected([.. tokens[..30], 5]), a.Logits.Last);
        Assert.Throws<ArgumentException>(() => model.Forward([new(c, new int[] { 4 }), new(c, new int[] { 5 })]));
    }

    [Fact]
    public async Task SessionsOnDifferentThreadsTakeTurns()
    {
        using FakeModel model = FakeModel.Load(options: new() { Threads = 2, AlwaysUseAllThreads = true, PromptChunk = 16 });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(start => Task.Run(() =>
        {
            using Session session = model.CreateSession();
            for (int i = 0; i < 100; i++)
            {
                Assert.Equal(Expected(tokens.AsSpan(start, i + 1)), session.Forward([tokens[start + i]]).Last);
            }
        })));
    }

    [Fact]
    public void AForkGoesItsOwnWay()
    {
        using FakeModel model = FakeModel.Load();
        using Session session = model.CreateSession();
        session.Forward(tokens.AsSpan(0, 70));
        using Session fork = session.Fork();
        Assert.Equal(Expected([.. tokens[..70], 1]), fork.Forward([1]).Last);
        Assert.Equal(Expected([.. tokens[..70], 2]), session.Forward([2]).Last);
    }

    [Fact]
    public void DisposedModelsAndSessionsSaySo()
    {
        FakeModel model = FakeModel.Load();
        Session session = model.CreateSession();
        Session other = model.CreateSession();
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Forward([1]).Rows);
        model.Dispose();
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => other.Forward([1]).Rows);
        Assert.Throws<ObjectDisposedException>(model.CreateSession);
        Assert.Throws<ObjectDisposedException>(model.VerifyContent);
    }

    [Fact]
    public void ADecodedTokenTakesNoMemory()
    {
        using FakeModel.PackedFile file = new();
        using SilentModel model = new(file.Description, new LoadOptions { WeightsPath = file.Path, Threads = 2, AlwaysUseAllThreads = true });
        using Session session = model.CreateSession();
        session.Forward(tokens.AsSpan(0, 10));
        session.Forward([1]);
        session.Forward([1]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 8; i++)
        {
            session.Forward([1]);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void SmallStepsUseOneThreadAndLargeOnesAll()
    {
        using FakeModel model = FakeModel.Load(options: new() { Threads = 4 }, describe: description => description with { BytesPerToken = 100_000 });
        using Session session = model.CreateSession();
        session.Forward([1]);
        session.Forward(tokens.AsSpan(0, 128));
        Assert.Equal([1, 4], model.Steps.Select(step => step.Workers));
        Assert.Throws<ArgumentOutOfRangeException>(() => FakeModel.Load(options: new() { Threads = 65 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => FakeModel.Load(options: new() { PromptChunk = 129 }));
    }

    private static float[] Expected(ReadOnlySpan<int> history)
    {
        float[] row = new float[FakeModel.Vocab];
        FakeModel.HashLogits(history.ToArray(), row);
        return row;
    }

    /// <summary>A model that computes nothing.</summary>
    private sealed class SilentModel(ModelDescription description, LoadOptions options) : CompiledModel(description, options)
    {
        protected override void Execute(InstructionSet instructionSet, Worker worker) => worker.Barrier();
    }
}

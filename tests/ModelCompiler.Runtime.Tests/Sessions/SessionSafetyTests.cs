using System.Runtime.CompilerServices;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Runtime.Tests.Sessions;

/// <summary>What safe code may do to a session without touching memory that is not there: forget it, dispose it, share it, overfill it.</summary>
public sealed class SessionSafetyTests
{
    private static readonly int[] tokens = [.. Enumerable.Range(0, 300).Select(i => (i * 31) % FakeModel.Vocab)];

    [Fact]
    public void LogitsOutliveAForgottenSession()
    {
        using FakeModel model = FakeModel.Load();
        ReadOnlySpan<float> last = LastOfAForgottenSession(model);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            using Session other = model.CreateSession();
            other.Forward([9]);
        }

        Assert.Equal(Expected(tokens.AsSpan(0, 3)), last);
    }

    [Fact]
    public void LogitsOutliveADisposedSession()
    {
        using FakeModel model = FakeModel.Load();
        Session session = model.CreateSession();
        ReadOnlySpan<float> last = session.Forward(tokens.AsSpan(0, 3)).Last;
        session.Dispose();
        using Session other = model.CreateSession();
        other.Forward([9]);
        Assert.Equal(Expected(tokens.AsSpan(0, 3)), last);
    }

    [Fact]
    public void TooManyLogitsLeaveTheSessionWithoutAny()
    {
        // 65,536 rows of 16 MiB: a terabyte.
        const int Rows = 1 << 16;
        using FakeModel model = FakeModel.Load(describe: description => description with { VocabStride = 1 << 22, ContextLength = Rows + 10 });
        using Session session = model.CreateSession();
        session.Forward(tokens.AsSpan(0, 3));
        long cacheBytes = session.CacheBytes;
        OutOfMemoryException thrown = Assert.Throws<OutOfMemoryException>(() => session.Forward(new int[Rows], LogitsFor.All).Rows);
        Assert.Contains("the logits of 65536 tokens", thrown.Message);
        Assert.Equal((3, 0, cacheBytes), (session.Position, session.Logits.Rows, session.CacheBytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Logits.Last.Length);
        Assert.Equal(Expected(tokens.AsSpan(0, 4)), session.Forward(tokens.AsSpan(3, 1)).Last);
    }

    [Fact]
    public void ARefusedInputLeavesEverySessionAsItWas()
    {
        using FakeModel model = FakeModel.Load();
        using Session a = model.CreateSession();
        using Session b = model.CreateSession();
        a.Forward(tokens.AsSpan(0, 60), LogitsFor.All);
        b.Forward(tokens);
        long cacheBytes = a.CacheBytes;
        Assert.Throws<ContextFullException>(() => model.Forward([new(a, tokens.AsMemory(60, 100)), new(b, new int[] { 1 })]));
        b.Rewind(299);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Forward([new(a, tokens.AsMemory(60, 100)), new(b, new int[] { -1 })]));
        Assert.Equal((60, 60, cacheBytes), (a.Position, a.Logits.Rows, a.CacheBytes));
        Assert.Equal(Expected(tokens.AsSpan(0, 60)), a.Logits.Last);
        model.Forward([new(a, tokens.AsMemory(60, 100)), new(b, tokens.AsMemory(299))]);
        Assert.Equal(Expected(tokens.AsSpan(0, 160)), a.Logits.Last);
        Assert.Equal(Expected(tokens), b.Logits.Last);
    }

    [Fact]
    public void ASessionDisposedInACallThatFailsDoesNotHarmTheOthers()
    {
        using FakeModel model = FakeModel.Load(options: new() { PromptChunk = 30 });
        using Session a = model.CreateSession();
        using Session b = model.CreateSession();
        a.Forward(tokens.AsSpan(0, 5));
        b.Forward(tokens.AsSpan(0, 7));
        model.Interfere = _ =>
        {
            if (model.Steps.Count == 4)
            {
                a.Dispose();
                throw new InvalidDataException("on purpose");
            }
        };
        Assert.Throws<InvalidDataException>(() => model.Forward([new(a, tokens.AsMemory(5, 10)), new(b, tokens.AsMemory(7, 100), LogitsFor.All)]));
        Assert.Equal((7, 0), (b.Position, b.Logits.Rows));
        Assert.Throws<ObjectDisposedException>(() => a.Forward([1]).Rows);
        Assert.Equal(Expected(tokens.AsSpan(0, 9)), b.Forward(tokens.AsSpan(7, 2)).Last);
    }

    [Fact]
    public void ACallWithinACallIsRefused()
    {
        using FakeModel model = FakeModel.Load();
        using Session session = model.CreateSession();
        session.Forward(tokens.AsSpan(0, 5));
        int refused = 0;
        model.Interfere = _ =>
        {
            foreach (Action call in (Action[])[
                () => session.Rewind(0),
                () => session.Fork(),
                () => session.Forward([1]),
                () => model.Forward([new(session, new int[] { 1 })])])
            {
                Assert.Contains("one thread at a time", Assert.Throws<InvalidOperationException>(call).Message);
                refused++;
            }
        };
        Assert.Equal(Expected(tokens.AsSpan(0, 80)), session.Forward(tokens.AsSpan(5, 75)).Last);
        Assert.Equal(4, refused);
        model.Interfere = null;
        session.Rewind(2);
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Rewind(3));
        Assert.Equal(Expected(tokens.AsSpan(0, 3)), session.Forward(tokens.AsSpan(2, 1)).Last);
    }

    [Fact]
    public async Task ManyThreadsAtOneSessionGetOneCallAtATime()
    {
        using FakeModel model = FakeModel.Load();
        using Session session = model.CreateSession();
        int calls = 0;
        model.Interfere = _ => Thread.SpinWait(1000);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (int i = 0; i < 500; i++)
            {
                try
                {
                    session.Forward([7], LogitsFor.None);
                    Interlocked.Increment(ref calls);
                }
                catch (InvalidOperationException)
                {
                    // Refused because of another thread, or because the context is full.
                }
            }
        })));
        Assert.Equal(session.Position, calls);
        Assert.All(session.Tokens.ToArray(), token => Assert.Equal(7, token));
    }

    [Fact]
    public void ASessionDisposedInACallKeepsItsMemoryUntilTheCallEnds()
    {
        using FakeModel model = FakeModel.Load();
        Session session = model.CreateSession();
        long emptyBytes = session.CacheBytes;
        session.Forward(tokens.AsSpan(0, 5));
        float[] seen = new float[70];
        model.Interfere = worker =>
        {
            session.Dispose();
            session.Dispose();
            Read(worker, seen);
        };
        Assert.Throws<ObjectDisposedException>(() => session.Forward(tokens.AsSpan(5, 65)).Rows);
        Assert.Equal(tokens.AsSpan(0, 70).ToArray().Select(token => (float)token), seen);
        Assert.Equal(emptyBytes, session.CacheBytes);
        session.Dispose();
    }

    private static unsafe void Read(Worker worker, float[] history)
    {
        for (int position = 0; position < history.Length; position++)
        {
            history[position] = ((float*)worker.Slices[0].Pages[position / 64])[position % 64];
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ReadOnlySpan<float> LastOfAForgottenSession(FakeModel model) => model.CreateSession().Forward(tokens.AsSpan(0, 3)).Last;

    private static float[] Expected(ReadOnlySpan<int> history)
    {
        float[] row = new float[FakeModel.Vocab];
        FakeModel.HashLogits(history.ToArray(), row);
        return row;
    }
}

using Microsoft.Extensions.AI;
using ModelCompiler.Extensions.AI;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.EndToEnd.Tests.Chat;

/// <summary>A model as a chat client: what it keeps between calls, and how calls end that are cancelled, left or overtaken by Dispose.</summary>
public sealed class CompiledChatClientTests : IDisposable
{
    private static readonly ChatMessage[] question = [new(ChatRole.User, "The goldsmith")];
    private static readonly ChatOptions shortly = new() { MaxOutputTokens = 5, Temperature = 0 };
    private static readonly ChatOptions atLength = new() { MaxOutputTokens = 200, Temperature = 0 };

    private readonly HelloModel model = HelloModel.Load();

    public void Dispose() => model.Dispose();

    [Fact]
    public async Task ATurnReadsOnlyWhatIsNew()
    {
        using IChatClient client = model.AsChatClient();
        ChatResponse first = await client.GetResponseAsync(question, shortly, TestContext.Current.CancellationToken);
        Assert.Equal(" melts the gold over", first.Text);
        Assert.Equal((0L, 5L), (first.Usage!.CachedInputTokenCount, first.Usage.OutputTokenCount));

        ChatResponse second = await client.GetResponseAsync([.. question, .. first.Messages, new(ChatRole.User, "Why?")], shortly, TestContext.Current.CancellationToken);
        Assert.InRange(second.Usage!.CachedInputTokenCount!.Value, first.Usage.InputTokenCount!.Value, second.Usage.InputTokenCount!.Value - 1);
    }

    [Fact]
    public async Task ACancelledCallPassesItsTurnOn()
    {
        using IChatClient client = model.AsChatClient();
        using CancellationTokenSource cancelled = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync(question, atLength, cancelled.Token))
            {
                await cancelled.CancelAsync();
            }
        });
        Assert.Equal(" melts the gold over", (await client.GetResponseAsync(question, shortly, TestContext.Current.CancellationToken)).Text);
    }

    [Fact]
    public async Task ACallThatIsLeftPassesItsTurnOn()
    {
        using IChatClient client = model.AsChatClient();
        await foreach (ChatResponseUpdate _ in client.GetStreamingResponseAsync(question, atLength, TestContext.Current.CancellationToken))
        {
            break;
        }

        Assert.Equal(" melts the gold over", (await client.GetResponseAsync(question, shortly, TestContext.Current.CancellationToken)).Text);
    }

    [Fact]
    public async Task AConversationLongerThanTheContextIsRefusedAndTheNextOneIsNot()
    {
        using IChatClient client = model.AsChatClient();
        ChatMessage[] endless = [new(ChatRole.User, string.Concat(Enumerable.Repeat("gold ", 400)))];
        ContextFullException full = await Assert.ThrowsAsync<ContextFullException>(() => client.GetResponseAsync(endless, shortly, TestContext.Current.CancellationToken));
        Assert.Equal(model.Description.ContextLength, full.Limit);
        Assert.Equal(" melts the gold over", (await client.GetResponseAsync(question, shortly, TestContext.Current.CancellationToken)).Text);
    }

    /// <summary>The call that is under way and the one that waits behind it both end, and both say why.</summary>
    [Fact]
    public async Task DisposingEndsCallsUnderWayAndWaiting()
    {
        IChatClient client = model.AsChatClient();
        await using IAsyncEnumerator<ChatResponseUpdate> underWay = client.GetStreamingResponseAsync(question, atLength, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await underWay.MoveNextAsync());
        Task<ChatResponse> waiting = client.GetResponseAsync(question, shortly, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);

        client.Dispose();
        client.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            while (await underWay.MoveNextAsync())
            {
            }
        });
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.GetResponseAsync(question, shortly, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void FormatsAreOursAlone() => Assert.DoesNotContain(typeof(ChatFormat).GetConstructors(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic), constructor => constructor.IsFamily || constructor.IsFamilyOrAssembly);
}

using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Extensions.AI;

/// <summary>A session of a compiled model, as a chat client. Calls at the same time take turns.</summary>
internal sealed class CompiledChatClient : IChatClient
{
    private readonly CompiledModel model;
    private readonly Tokenizer tokenizer;
    private readonly ChatFormat format;
    private readonly Session session;
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly ChatClientMetadata metadata;
    private volatile bool disposed;

    public CompiledChatClient(CompiledModel model, ChatFormat? format)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
        tokenizer = model.Tokenizer
            ?? throw new InvalidOperationException($"Found the model '{model.Description.Name}' without a tokenizer, expected one that has it: put tokenizer.json into its folder.");
        this.format = format ?? ChatFormat.Detect(tokenizer);
        session = model.CreateSession();
        metadata = new ChatClientMetadata("ModelCompiler", defaultModelId: model.Description.Name);
    }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        => await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken).ConfigureAwait(false);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(disposed, this);
        ChatMessage[] conversation = options?.Instructions is { Length: > 0 } instructions ? [new(ChatRole.System, instructions), .. messages] : [.. messages];
        int[] prompt = [.. format.Write(conversation, tokenizer)];
        GenerationOptions generation = Translate(options);
        string id = Guid.NewGuid().ToString("n");
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(disposed, this); // while this call waited for its turn
            int known = KeepCommonPrefix(prompt);
            TextGeneration text = session.Generate(prompt.AsSpan(known), generation, cancellationToken);
            await foreach (string piece in text.StreamAsync(cancellationToken).ConfigureAwait(false))
            {
                yield return Update(id, new TextContent(piece));
            }

            GenerationResult result = text.Result;
            ChatResponseUpdate last = Update(id, new UsageContent(new UsageDetails
            {
                InputTokenCount = prompt.Length,
                CachedInputTokenCount = known,
                OutputTokenCount = result.Tokens.Count,
                TotalTokenCount = prompt.Length + result.Tokens.Count,
            }));
            last.FinishReason = result.FinishReason is FinishReason.MaxTokens or FinishReason.ContextEnd ? ChatFinishReason.Length : ChatFinishReason.Stop;
            yield return last;
        }
        finally
        {
            turn.Release();
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? metadata
            : serviceType.IsInstanceOfType(model) ? model
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>
    /// A call that is under way ends with an exception at its next token, and passes its turn on; whoever waits for it then sees that the client is gone. The semaphore must outlive
    /// them, and holds nothing that would have to be freed.
    /// </summary>
    public void Dispose()
    {
        disposed = true;
        session.Dispose();
    }

    /// <summary>Rewinds the session to where the prompt parts from what it has read; at least one token is left to read.</summary>
    private int KeepCommonPrefix(ReadOnlySpan<int> prompt)
    {
        int common = Math.Min(session.Tokens.CommonPrefixLength(prompt), prompt.Length - 1);
        session.Rewind(Math.Max(common, 0));
        return session.Position;
    }

    private ChatResponseUpdate Update(string id, AIContent content)
        => new(ChatRole.Assistant, [content]) { ResponseId = id, MessageId = id, ModelId = model.Description.Name, CreatedAt = DateTimeOffset.UtcNow };

    private GenerationOptions Translate(ChatOptions? options) => new()
    {
        MaxTokens = options?.MaxOutputTokens,
        Temperature = options?.Temperature ?? 1,
        TopK = options?.TopK ?? 0,
        TopP = options?.TopP ?? 1,
        FrequencyPenalty = options?.FrequencyPenalty ?? 0,
        PresencePenalty = options?.PresencePenalty ?? 0,
        Seed = options?.Seed is { } seed ? unchecked((ulong)seed) : null,
        StopTexts = options?.StopSequences is { } stops ? [.. stops] : [],
        StopTokens = format.StopTokens(tokenizer),
    };
}

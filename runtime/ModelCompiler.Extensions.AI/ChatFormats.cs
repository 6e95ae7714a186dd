using Microsoft.Extensions.AI;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Extensions.AI;

/// <summary>
/// As the chat templates that Qwen2 and Qwen3 publish write a conversation without tools; but what those add or drop by themselves (Qwen2: a system message where there is none, Qwen3: the thoughts of
/// earlier answers) is left to the caller.
/// </summary>
internal sealed class ChatMLFormat : ChatFormat
{
    private const string Start = "<|im_start|>";
    private const string End = "<|im_end|>";

    public override bool Fits(Tokenizer tokenizer) => tokenizer.TryGetId(Start, out _) && tokenizer.TryGetId(End, out _);

    public override IReadOnlyList<int> StopTokens(Tokenizer tokenizer) => [ChatTokens.IdOf(End, tokenizer)];

    private protected override void Write(IReadOnlyList<ChatMessage> messages, ChatTokens tokens)
    {
        foreach (ChatMessage message in messages)
        {
            tokens.Special(Start).Text(message.Role.Value + "\n" + message.Text).Special(End).Text("\n");
        }

        tokens.Special(Start).Text(ChatRole.Assistant.Value + "\n");
    }
}

/// <summary>As the chat template that Llama 3 publishes writes a conversation without tools.</summary>
internal sealed class Llama3Format : ChatFormat
{
    private const string Begin = "<|begin_of_text|>";
    private const string StartHeader = "<|start_header_id|>";
    private const string EndHeader = "<|end_header_id|>";
    private const string EndOfTurn = "<|eot_id|>";

    public override bool Fits(Tokenizer tokenizer)
        => new[] { Begin, StartHeader, EndHeader, EndOfTurn }.All(token => tokenizer.TryGetId(token, out _));

    public override IReadOnlyList<int> StopTokens(Tokenizer tokenizer) => [ChatTokens.IdOf(EndOfTurn, tokenizer)];

    private protected override void Write(IReadOnlyList<ChatMessage> messages, ChatTokens tokens)
    {
        tokens.Special(Begin);
        foreach (ChatMessage message in messages)
        {
            Header(message.Role, tokens).Text(message.Text.Trim()).Special(EndOfTurn);
        }

        Header(ChatRole.Assistant, tokens);
    }

    private static ChatTokens Header(ChatRole role, ChatTokens tokens)
        => tokens.Special(StartHeader).Text(role.Value).Special(EndHeader).Text("\n\n");
}

/// <summary>The texts alone.</summary>
internal sealed class PlainFormat : ChatFormat
{
    public override bool Fits(Tokenizer tokenizer) => true;

    public override IReadOnlyList<int> StopTokens(Tokenizer tokenizer) => [];

    private protected override void Write(IReadOnlyList<ChatMessage> messages, ChatTokens tokens)
        => tokens.Begin(string.Join('\n', messages.Select(message => message.Text)));
}

using Microsoft.Extensions.AI;
using ModelCompiler.Runtime;

namespace ModelCompiler.Extensions.AI;

/// <summary>Compiled models for Microsoft.Extensions.AI.</summary>
public static class CompiledModelExtensions
{
    /// <summary>
    /// The model as a chat client. It keeps one conversation's cache: a call whose messages begin as the last one's reads only what is new. The model stays
    /// the caller's. Calls at the same time take turns. Disposing of the client frees its cache; calls under way or waiting then end with <see cref="ObjectDisposedException"/>.
    /// </summary>
    /// <param name="model">A model with a tokenizer.</param>
    /// <param name="format">How a conversation is written; null: as the tokenizer's special tokens suggest.</param>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public static IChatClient AsChatClient(this CompiledModel model, ChatFormat? format = null) => new CompiledChatClient(model, format);
}

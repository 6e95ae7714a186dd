using Microsoft.Extensions.AI;
using ModelCompiler.Extensions.AI;
using ModelCompiler.Runtime.Sessions;

using var model = SmallModel.Load();
using IChatClient client = model.AsChatClient();
List<ChatMessage> conversation = [];
while (true)
{
    Console.Write("> ");
    if (Console.ReadLine() is not { Length: > 0 } line)
        break;

    conversation.Add(new(ChatRole.User, line));
    List<ChatResponseUpdate> updates = [];
    try
    {
        await foreach (var update in client.GetStreamingResponseAsync(conversation, new() { MaxOutputTokens = 100 }))
        {
            Console.Write(update.Text);
            updates.Add(update);
        }

        Console.WriteLine();
        conversation.AddMessages(updates);
    }
    catch (ContextFullException full)
    {
        Console.WriteLine($"(The conversation has {full.Found} tokens, and the model has room for {full.Limit}: it begins anew.)");
        conversation.Clear();
    }
}

using ModelCompiler.Runtime.Sessions;

string prompt = args.Length > 0 ? string.Join(' ', args) : "The goldsmith";

using var model = SmallModel.Load();
var text = model.Generate(prompt, new() { Temperature = 0.8f, MaxTokens = 100 });
try
{
    Console.Write(prompt);
    foreach (var piece in text)
        Console.Write(piece);

    Console.WriteLine();
    Console.Error.WriteLine($"{text.Result.TokensPerSecond:N0} tokens per second");
    return 0;
}
catch (Exception fault) when (fault is ContextFullException or IOException) // too long a prompt; a full disk
{
    Console.Error.WriteLine($"{Environment.NewLine}{fault.Message}");
    return 1;
}

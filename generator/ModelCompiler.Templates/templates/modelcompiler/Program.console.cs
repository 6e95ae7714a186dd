string prompt = args.Length > 0 ? string.Join(' ', args) : "The goldsmith";

using var model = SmallModel.Load();
var text = model.Generate(prompt, new() { Temperature = 0.8f, MaxTokens = 100 });
Console.Write(prompt);
foreach (var piece in text)
    Console.Write(piece);

Console.WriteLine();
Console.Error.WriteLine($"{text.Result.TokensPerSecond:N0} tokens per second");

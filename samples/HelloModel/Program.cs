using System.Globalization;
using System.Text;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Sessions;

Console.OutputEncoding = Encoding.UTF8;
string[] prompts = args.Length > 0 ? args : ["Once upon a time", "从前有个", "The goldsmith", "我喜欢黄金首饰", "这是一个变形金刚", "中国的首都是"];

using var model = HelloModel.Load();
try
{
    Console.WriteLine($"A Llama of {model.Description.Layers} layers, trained by the project on stories of its own (samples/StoryWorld). {InstructionSets.Name(model.InstructionSet)}, {model.Threads} threads.");
    foreach (string prompt in prompts)
    {
        var text = model.Generate(prompt, new() { Temperature = 0.8, Seed = 1, MaxTokens = 120 });
        Console.Write(prompt);
        foreach (var piece in text)
            Console.Write(piece);

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    [{text.Result.Tokens.Count} tokens, {text.Result.TokensPerSecond:N0} per second]"));
    }

    return 0;
}
catch (Exception fault) when (fault is ContextFullException or IOException) // too long a prompt; a full disk
{
    Console.Error.WriteLine($"{Environment.NewLine}{fault.Message}");
    return 1;
}

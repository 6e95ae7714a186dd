using System.Globalization;
using System.Text;
using ModelCompiler.Runtime.Execution;

Console.OutputEncoding = Encoding.UTF8;
string[] prompts = args.Length > 0 ? args : ["The small robot", "The capital of China is", "机器人收起", "金匠"];

using var model = HelloModel.Load();
Console.WriteLine($"A GPT-2 of one layer, its weights written by a program (samples/HandBuiltModel), not trained. {InstructionSets.Name(model.InstructionSet)}, {model.Threads} threads.");
foreach (string prompt in prompts)
{
    var text = model.Generate(prompt, new() { Temperature = 0 });
    Console.Write(prompt);
    foreach (var piece in text)
        Console.Write(piece);

    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    [{text.Result.Tokens.Count} tokens, {text.Result.TokensPerSecond:N0} per second]"));
}

using System.Text;
using ModelCompiler.Runtime.Sessions;

// One native file with its model inside: SingleFile [PROMPT]
Console.OutputEncoding = Encoding.UTF8;
string prompt = args is [] ? "The goldsmith" : args[0];
using HelloModel model = HelloModel.Load();
try
{
    string begin = prompt; // written with the first piece: a prompt that is too long has none
    foreach (string piece in model.Generate(prompt, new() { Temperature = 0, MaxTokens = 60 }))
    {
        Console.Write(begin + piece);
        begin = "";
    }

    Console.WriteLine(begin);
    return 0;
}
catch (Exception fault) when (fault is ContextFullException or IOException) // too long a prompt; a full disk
{
    Console.Error.WriteLine($"{Environment.NewLine}{fault.Message}");
    return 1;
}

/// <summary>The model of samples/HelloModel.</summary>
[CompiledModel("hello")]
internal sealed partial class HelloModel;

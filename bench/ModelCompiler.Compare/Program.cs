using System.Text;
using ModelCompiler.Compare;

if (Console.IsOutputRedirected)
{
    Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
}

return await CompareCommand.RunAsync(args);

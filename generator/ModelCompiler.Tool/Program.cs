using System.Text;
using ModelCompiler.Tool.Commands;

// What a program reads from us, and what the build forwards, is UTF-8 on every system.
if (Console.IsOutputRedirected)
{
    Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
}

return await ModelcCommand.RunAsync(args);

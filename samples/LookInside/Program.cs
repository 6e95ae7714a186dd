using System.Text;
using LookInside;

if (Console.IsOutputRedirected)
{
    Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
}

return await LookCommand.RunAsync(args);

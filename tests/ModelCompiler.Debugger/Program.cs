using System.Text;
using ModelCompiler.Debugger;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
return DebuggerCommand.Run(args);

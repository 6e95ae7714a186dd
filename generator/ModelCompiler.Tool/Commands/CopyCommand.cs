using System.CommandLine;
using ModelCompiler.Tool.Packing;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc copy</c>: what the build calls on Linux for weights that lie beside a program.</summary>
internal static class CopyCommand
{
    public static Command Create()
    {
        Argument<string> from = new("FILE") { Description = "Packed weights (.mcw)." };
        Argument<string> to = new("TO") { Description = "The file to write or replace; its folder exists." };
        Command command = new("copy", "Copies packed weights so that Linux maps them in huge pages, which cp does not.") { from, to };
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                string place = parsed.GetRequiredValue(to);
                using ProgressLine progress = new();
                WeightsCopy.Copy(parsed.GetRequiredValue(from), place, length => progress.Begin("copying", length), cancellation);
                progress.Dispose();
                Console.WriteLine($"Wrote {place}: {Output.Bytes(new FileInfo(place).Length)}");
                return ExitCode.Success;
            },
            CancellationToken.None));
        return command;
    }
}

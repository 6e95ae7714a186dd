using System.CommandLine;

namespace ModelCompiler.Tool.Commands;

/// <summary>The command line as a whole: its commands.</summary>
internal static class ModelcCommand
{
    /// <summary>Parses and runs.</summary>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string[] arguments) => Invocation.RunAsync(Create(), arguments);

    private static RootCommand Create() => new("Compiles a published transformer into C# made for that one model, and runs it.")
    {
        InspectCommand.Create(),
        PackCommand.Create(),
        CompileCommand.Create(),
        RunCommand.Create(),
        LogitsCommand.Create(),
        BenchCommand.Create(),
        PerplexityCommand.Create(),
        ExportCommand.Create(),
        VerifyCommand.Create(),
        TrainCommand.Create(),
        SynthCommand.Create(),
        CopyCommand.Create(),
        CacheCommand.Create(),
    };
}

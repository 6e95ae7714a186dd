using System.CommandLine;

namespace ModelCompiler.Tool.Commands;

/// <summary>The command line as a whole: its commands, and what every one of them does with a fault.</summary>
internal static class ModelcCommand
{
    /// <summary>Parses and runs. Faults become one line each on standard error, never a stack trace.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        ParseResult parsed = Create().Parse(arguments);
        string[] mistakes = [.. UnknownOptions.Describe(parsed), .. ParserErrors.OfEmptyTexts(parsed)];
        if (mistakes.Length == 0) // else they are the cause of whatever else there is
        {
            mistakes = [.. parsed.Errors.Select(ParserErrors.Describe).Distinct()];
        }

        if (mistakes.Length > 0)
        {
            foreach (string mistake in mistakes)
            {
                Output.Tell(Told(parsed, new UsageException(mistake)));
            }

            Output.Tell($"Run 'modelc {string.Join(" ", CommandPath(parsed))}--help' for what can be said.");
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // Time after Ctrl+C to take back half-written files, and to write the checkpoint of a training to a slow disk.
                ProcessTerminationTimeout = TimeSpan.FromMinutes(2),
            });
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Cancelled;
        }
        catch (Exception fault)
        {
            Output.Tell(Told(parsed, fault));
            return Faults.ExitCodeOf(fault);
        }
    }

    /// <summary>A fault, at the build's project file where there is one. By tokens: values of a command line with mistakes cannot be asked for.</summary>
    private static string Told(ParseResult parsed, Exception fault)
        => parsed.GetResult(Symbols.Project)?.Tokens is [{ Value: string project }]
            ? Faults.Describe(fault, project, $"the model '{parsed.GetResult(Symbols.ModelName)?.Tokens.FirstOrDefault()?.Value}': ")
            : Faults.Describe(fault);

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
        CacheCommand.Create(),
    };

    private static IEnumerable<string> CommandPath(ParseResult parsed)
        => parsed.CommandResult.Command is RootCommand ? [] : [parsed.CommandResult.Command.Name + " "];
}

using System.CommandLine;

namespace ModelCompiler.Tool.Commands;

/// <summary>How a command line runs: mistakes in it, and whatever goes wrong behind it, become one line each on standard error, never a stack trace.</summary>
internal static class Invocation
{
    /// <summary>Parses and runs.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(RootCommand root, string[] arguments)
    {
        ParseResult parsed = root.Parse(arguments);
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

            Output.Tell($"Run '{root.Name} {(parsed.CommandResult.Command == root ? "" : parsed.CommandResult.Command.Name + " ")}--help' for what can be said.");
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
            : Faults.Describe(fault, parsed.RootCommandResult.Command.Name);
}

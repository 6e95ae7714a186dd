using System.CommandLine;
using System.CommandLine.Parsing;

namespace ModelCompiler.Tool.Commands;

/// <summary>
/// What the parser itself finds, in the form of all other mistakes: with what was found and what was expected. Told by the parts of the command line and not by the parser's sentence, which is in
/// the language of the system.
/// </summary>
internal static class ParserErrors
{
    /// <summary>A sentence; what a check of ours said, as it is.</summary>
    public static string Describe(ParseError error) => error.SymbolResult switch
    {
        OptionResult option => OfOption(option) ?? error.Message,
        ArgumentResult { Parent: OptionResult option } => OfOption(option) ?? error.Message,
        ArgumentResult { Tokens.Count: 0, Argument: { Arity.MinimumNumberOfValues: > 0 } argument } => $"found no {argument.Name}, expected one. {argument.Description}",
        _ => error.Message,
    };

    /// <summary>A sentence for each option or argument that was given an empty text, except for those that have it when nothing is given: a prompt.</summary>
    public static IEnumerable<string> OfEmptyTexts(ParseResult parsed) => parsed.CommandResult.Children.Select(child => child switch
    {
        OptionResult { Implicit: false } option when HasEmpty(option) && !(option.Option.HasDefaultValue && option.Option.GetDefaultValue() is "") => $"{option.Option.Name}: found an empty text, expected a value ({option.Option.HelpName}).",
        ArgumentResult argument when HasEmpty(argument) => $"{argument.Argument.Name}: found an empty text, expected a value. {argument.Argument.Description}",
        _ => null,
    }).OfType<string>();

    /// <summary>What is said of an option behind which there is no value, or that of another option.</summary>
    public static string WithoutValue(Option option, string found) => $"{option.Name}: found {found} behind it, expected a value ({option.HelpName}).";

    private static bool HasEmpty(SymbolResult result) => result.Tokens.Any(token => token.Value.Length == 0);

    private static string? OfOption(OptionResult result)
    {
        Option option = result.Option;
        if (result.Implicit)
        {
            return option.Required ? $"found no {option.Name}, expected one ({option.HelpName}). {option.Description}" : null;
        }

        int values = result.Tokens.Count;
        return values < option.Arity.MinimumNumberOfValues ? WithoutValue(option, "nothing")
            : values > option.Arity.MaximumNumberOfValues ? $"{option.Name}: found {values} values ({string.Join(", ", result.Tokens.Select(token => $"'{token.Value}'"))}), expected one."
            : null;
    }
}

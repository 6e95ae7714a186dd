using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.RegularExpressions;
using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Tool.Commands;

/// <summary>Finds commands that there are not, options that a command does not have (the parser takes them for a file, a text or a folder wherever one of those may stand), and words that belong to none.</summary>
internal static partial class UnknownOptions
{
    /// <summary>What options that take any text, one that begins with a dash too, call it in their help.</summary>
    public const string AnyText = "TEXT";

    /// <summary>A sentence for each.</summary>
    public static IEnumerable<string> Describe(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        if (command.Subcommands.Count > 0 && parsed.Errors.Count > 0)
        {
            string[] names = [.. command.Subcommands.Select(sub => sub.Name)];
            string? word = parsed.UnmatchedTokens.FirstOrDefault();
            string wanted = word is not null && Spelling.Nearest(word, names) is { } near ? $"perhaps {near}" : $"one of {string.Join(", ", names)}";
            if (word is null || !Option().IsMatch(word))
            {
                yield return $"found {(word is null ? "no command" : $"'{word}', which is no command of '{command.Name}'")}, expected {wanted}.";
                yield break; // whatever follows belongs to the command that was meant
            }
        }

        string[] options = [.. command.Options.Concat(parsed.RootCommandResult.Command.Options).Where(option => !option.Hidden).SelectMany(option => option.Aliases.Prepend(option.Name))];
        string[] known = [.. options.Where(name => name.StartsWith("--", StringComparison.Ordinal))];
        HashSet<string> plain = [.. parsed.Tokens.SkipWhile(token => token.Type != TokenType.DoubleDash).Select(token => token.Value)];
        bool none = true;
        IEnumerable<(string Value, Option? Of)> values = parsed.CommandResult.Children.SelectMany(Values).Concat(parsed.UnmatchedTokens.Select(token => (token, (Option?)null)));
        foreach ((string found, Option? of) in values.Where(value => !plain.Contains(value.Value)).Distinct())
        {
            if (Option().Match(found) is { Success: true, Groups: var groups })
            {
                none = false;
                string name = groups[1].Value;
                if (of is not null && options.Contains(name))
                {
                    yield return ParserErrors.WithoutValue(of, $"the option '{name}'");
                    continue;
                }

                string meant = Spelling.Nearest(name, known) is { } nearest ? $"perhaps {nearest}" : "one of those that --help lists";
                yield return $"found '{name}', which is no option of '{command.Name}', expected {meant}. What begins with a dash and is no option stands behind --.";
            }
        }

        if (none && parsed.UnmatchedTokens.Count > 0) // else it is perhaps what such an option was to be
        {
            string words = string.Join(" ", parsed.UnmatchedTokens);
            yield return $"found '{words}', which belongs to no option of '{command.Name}', expected {((Unquoted(parsed, words) ?? Wanted(parsed, words)) is { } meant ? $"perhaps {meant}" : "nothing")}.";
        }
    }

    /// <summary>The option whose text these words go on with, had it been quoted; null where they stand behind none.</summary>
    private static string? Unquoted(ParseResult parsed, string words)
    {
        string line = string.Join(" ", parsed.Tokens.Select(token => token.Value));
        return parsed.CommandResult.Children.OfType<OptionResult>()
            .Where(result => result is { Option.HelpName: AnyText, IdentifierToken: not null, Tokens.Count: > 0 })
            .Select(result => (Name: result.IdentifierToken!.Value, Text: result.Tokens[^1].Value))
            .Where(said => line.EndsWith($"{said.Name} {said.Text} {words}", StringComparison.Ordinal) || line.Contains($"{said.Name} {said.Text} {words} ", StringComparison.Ordinal))
            .Select(said => $"{said.Name} \"{said.Text} {words}\"")
            .FirstOrDefault();
    }

    /// <summary>What a command is mainly told, as these words: its first option that must be given or takes a text; null where that was given.</summary>
    private static string? Wanted(ParseResult parsed, string words)
        => parsed.CommandResult.Command.Options.FirstOrDefault(option => option.Required || option.HelpName == AnyText) is { } first && parsed.GetResult(first) is not { Implicit: false }
            ? $"{first.Name} \"{words}\""
            : null;

    /// <summary>What the parser took for values, and the options that they belong to.</summary>
    private static IEnumerable<(string Value, Option? Of)> Values(SymbolResult result) => result switch
    {
        ArgumentResult argument => argument.Tokens.Select(token => (token.Value, (Option?)null)),
        OptionResult { Option.HelpName: not AnyText } option => option.Tokens.Select(token => (token.Value, (Option?)option.Option)),
        _ => [],
    };

    [GeneratedRegex(@"^(--?[A-Za-z][A-Za-z0-9-]*)(=.*)?$", RegexOptions.Singleline)]
    private static partial Regex Option();
}

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using ModelCompiler.Runtime;

namespace ModelCompiler.Tool.Commands;

/// <summary>Token ids on the command line: <c>1,2,3</c>.</summary>
internal static class TokenList
{
    /// <summary>The option; no tokens when it is not given.</summary>
    public static Option<int[]?> Option(string description) => new("--tokens") { Description = description, HelpName = "1,2,3", CustomParser = Parse };

    private static int[]? Parse(ArgumentResult result)
    {
        List<int> tokens = [];
        foreach (string part in result.Tokens.SelectMany(token => token.Value.Split(',')))
        {
            if (!int.TryParse(part, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int token))
            {
                result.AddError($"--tokens: found '{part}', expected token ids with commas between them.");
                return null;
            }

            tokens.Add(token);
        }

        return [.. tokens];
    }

    /// <exception cref="UsageException">The model has no such token.</exception>
    public static void Check(ReadOnlySpan<int> tokens, ModelDescription model)
    {
        foreach (int token in tokens)
        {
            if (token < 0 || token >= model.Vocab)
            {
                throw new UsageException($"--tokens: found {token}, expected the model's token ids, 0 to {model.Vocab - 1}.");
            }
        }
    }
}

using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

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
}

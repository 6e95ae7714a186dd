using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Reads patterns: {"String": …} or {"Regex": …}.</summary>
internal static partial class PatternReader
{
    public static (string Pattern, bool IsRegex) Read(TokenizerNode pattern)
    {
        TokenizerNode literal = pattern["String"];
        TokenizerNode regex = pattern["Regex"];
        return literal.IsNull == regex.IsNull
            ? throw pattern.Wrong("either a String or a Regex")
            : literal.IsNull ? (regex.Text(), true) : (literal.Text(), false);
    }

    /// <summary>Whether a pattern has no operators, so that it matches one string.</summary>
    public static bool IsLiteral(string pattern) => Literal().IsMatch(pattern);

    /// <summary>The string that a pattern without operators matches.</summary>
    public static string Unescape(string pattern)
    {
        var text = new StringBuilder(pattern.Length);
        for (int i = 0; i < pattern.Length; i++)
        {
            text.Append(pattern[i] != '\\' ? pattern[i] : pattern[++i] switch
            {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                char other => other,
            });
        }

        return text.ToString();
    }

    /// <summary>Reads a pattern of one repeated character: X+ or X{2,}.</summary>
    public static bool TryReadRun(string pattern, out string unit, out int least)
    {
        Match match = Run().Match(pattern);
        unit = match.Success ? Unescape(match.Groups["unit"].Value) : "";
        string number = match.Groups["least"].Value;
        least = number.Length == 0 ? 1 : int.Parse(number, CultureInfo.InvariantCulture);
        return match.Success && least > 0;
    }

    [GeneratedRegex(@"^(?:[^\\.^$|?*+()\[\]{}]|\\[nrt]|\\[^\w\s])+$", RegexOptions.CultureInvariant)]
    private static partial Regex Literal();

    [GeneratedRegex(@"^(?<unit>[^\\.^$|?*+()\[\]{}]|\\[nrt]|\\[^\w\s])(?:\+|\{(?<least>\d{1,4}),\})$", RegexOptions.CultureInvariant)]
    private static partial Regex Run();
}

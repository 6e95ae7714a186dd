using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace ModelCompiler.Tool.Commands;

/// <summary>Numbers on the command line: what is no number, or lies outside the range, is told with the option, what was found and what was expected.</summary>
internal static class Numbers
{
    /// <summary>A whole number that may be left out, or has a default.</summary>
    public static Option<T> Whole<T>(Option<T> option, T least, T most)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
        => Within(option, least, most, ExpectWhole(least, most));

    /// <summary>A whole number that may be left out.</summary>
    public static Option<T?> Whole<T>(Option<T?> option, T least, T most)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
        => Within(option, least, most, ExpectWhole(least, most));

    /// <summary>Any number of a range that may be left out.</summary>
    public static Option<T?> Within<T>(Option<T?> option, T least, T most, string expected)
        where T : struct, INumber<T>
    {
        option.CustomParser = result => Read(result, option, least, most, expected);
        return option;
    }

    /// <summary>Any number from <paramref name="least"/> to <paramref name="most"/>, in the words of <paramref name="expected"/>.</summary>
    public static Option<T> Within<T>(Option<T> option, T least, T most, string expected)
        where T : struct, INumber<T>
    {
        option.CustomParser = result => Read(result, option, least, most, expected) ?? default;
        return option;
    }

    private static string ExpectWhole<T>(T least, T most)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
        => most == T.MaxValue && T.Zero != T.MinValue ? $"a whole number, at least {least}" : $"a whole number from {least} to {most}";

    /// <summary>Null after a mistake was told. Infinity and NaN are outside every range.</summary>
    private static T? Read<T>(ArgumentResult result, Option option, T least, T most, string expected)
        where T : struct, INumber<T>
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[^1].Value : "nothing";
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T number) && number >= least && number <= most)
        {
            return number;
        }

        result.AddError($"{option.Name}: found '{text}', expected {expected}.");
        return null;
    }
}

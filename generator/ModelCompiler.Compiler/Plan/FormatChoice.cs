using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>Matrices whose name fits <paramref name="Pattern"/> (* stands for any characters) get <paramref name="Format"/>.</summary>
public sealed record FormatOverride(string Pattern, WeightFormat Format);

/// <summary>The format of each matrix: that of the first override that fits its name, else the default.</summary>
public sealed record FormatChoice(WeightFormat Default, EquatableArray<FormatOverride> Overrides)
{
    /// <summary>Some matrices may get integers with a scale for each group.</summary>
    public bool HasBlocks => Default is BlockFormat || Overrides.Any(choice => choice.Format is BlockFormat);

    /// <summary>The format of a matrix.</summary>
    public WeightFormat Of(Parameter matrix)
        => Overrides.FirstOrDefault(choice => Fits(matrix.Name, choice.Pattern))?.Format ?? Default;

    /// <summary>As <see cref="TryParse"/> reads it: <c>q4</c>, or <c>q4, lm_head.*=q8</c>.</summary>
    public override string ToString()
        => string.Join(", ", new[] { Default.Name }.Concat(Overrides.Select(choice => $"{choice.Pattern}={choice.Format.Name}")));

    /// <summary>Reads a format for all matrices, and behind it, separated by commas, formats for some: <c>q4, lm_head.*=q8</c>.</summary>
    /// <param name="text">What the user wrote.</param>
    /// <param name="choice">Null when it cannot be read.</param>
    /// <param name="mistake">What was found and what was expected, when it cannot be read.</param>
    public static bool TryParse(string text, out FormatChoice? choice, out string? mistake)
    {
        choice = null;
        string[] items = [.. text.Split(',').Select(item => item.Trim())];
        WeightFormat? format = Find(items[0], out mistake);
        List<FormatOverride> overrides = [];
        foreach (string item in items.Skip(1))
        {
            int equals = item.LastIndexOf('=');
            if (equals <= 0)
            {
                mistake ??= $"found '{item}' behind the first format, expected PATTERN=FORMAT, such as lm_head.*=q8.";
            }
            else if (mistake is null && Find(item[(equals + 1)..].Trim(), out mistake) is { } other)
            {
                overrides.Add(new FormatOverride(item[..equals].Trim(), other));
            }
        }

        choice = mistake is null ? new FormatChoice(format!, overrides.ToEquatable()) : null;
        return choice is not null;
    }

    /// <summary>Whether a name fits a pattern: its pieces between stars occur in order, the first at the beginning, the last at the end.</summary>
    internal static bool Fits(string name, string pattern)
    {
        string[] pieces = pattern.Split('*');
        if (pieces.Length == 1)
        {
            return name == pattern;
        }

        int at = pieces[0].Length, end = name.Length - pieces[^1].Length;
        if (at > end || !name.StartsWith(pieces[0], StringComparison.Ordinal) || !name.EndsWith(pieces[^1], StringComparison.Ordinal))
        {
            return false;
        }

        foreach (string piece in pieces.Skip(1).Take(pieces.Length - 2))
        {
            int found = name.IndexOf(piece, at, end - at, StringComparison.Ordinal);
            if (found < 0)
            {
                return false;
            }

            at = found + piece.Length;
        }

        return true;
    }

    private static WeightFormat? Find(string name, out string? mistake)
    {
        WeightFormat? format = WeightFormat.Find(name);
        mistake = format is null ? $"found '{name}', expected one of {string.Join(", ", WeightFormat.All.Select(known => known.Name))}." : null;
        return format;
    }
}

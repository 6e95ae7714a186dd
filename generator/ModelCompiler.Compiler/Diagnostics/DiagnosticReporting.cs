using System.Globalization;
using System.Text;

namespace ModelCompiler.Compiler.Diagnostics;

/// <summary>Gives every diagnostic the same three parts: what was found, what was expected, what to do.</summary>
public static class DiagnosticReporting
{
    private const int LongestQuote = 80;
    private const int MostNamed = 3;

    /// <summary>
    /// Makes a diagnostic: <c>subject: found …, expected …. Advice.</c>
    /// Text that comes from a file must have passed <see cref="Quote"/>.
    /// </summary>
    public static ModelDiagnostic Create(
        this DiagnosticRule rule, SourceSpan where, string subject, string found, string expected, string advice)
        => new(rule, where, $"{subject}: found {found}, expected {expected}. {advice}");

    /// <summary>Adds what <see cref="Create"/> makes.</summary>
    public static void Report(
        this ICollection<ModelDiagnostic> diagnostics, DiagnosticRule rule, SourceSpan where,
        string subject, string found, string expected, string advice)
        => diagnostics.Add(rule.Create(where, subject, found, expected, advice));

    /// <summary>
    /// Adds <c>MC021</c> for a file that could not be read. Whoever does the I/O calls it; <paramref name="found"/> such as
    /// <c>no such file</c>.
    /// </summary>
    public static void ReportUnreadable(this ICollection<ModelDiagnostic> diagnostics, string folder, string fileName, string found)
        => diagnostics.Report(
            Catalogue.UnreadableFile, new SourceSpan(folder), fileName, found, "a readable file",
            "Put the model's published files into this folder, and see that you may read them.");

    /// <summary>True when there is at least one error.</summary>
    public static bool HasErrors(this IEnumerable<ModelDiagnostic> diagnostics)
        => diagnostics.Any(diagnostic => diagnostic.Rule.Severity == DiagnosticSeverity.Error);

    /// <summary>
    /// Text from a file, made fit for one line of a terminal: in single quotes, cut after 80 characters, and with everything
    /// invisible (controls, line ends, direction marks, lone surrogates) written as \uXXXX.
    /// </summary>
    public static string Quote(string text)
    {
        StringBuilder quoted = new("'");
        for (int i = 0; i < text.Length && i < LongestQuote; i++)
        {
            char c = text[i];
            if (IsVisible(c))
            {
                quoted.Append(c);
            }
            else
            {
                quoted.Append("\\u").Append(((int)c).ToString("X4", CultureInfo.InvariantCulture));
            }
        }

        return quoted.Append(text.Length > LongestQuote ? "…'" : "'").ToString();
    }

    /// <summary>A shape as it is written in published configs and headers: <c>[32000, 4096]</c>.</summary>
    public static string Shape(IEnumerable<int> sizes)
        => "[" + string.Join(", ", sizes.Select(size => size.ToString(CultureInfo.InvariantCulture))) + "]";

    /// <summary>Tensors of which one thing is told: <c>tensor 'a' and 43 more ('b', 'c', 'd', …)</c>.</summary>
    public static string Tensors(IReadOnlyList<string> names)
    {
        string next = string.Join(", ", names.Skip(1).Take(MostNamed).Select(name => $"'{name}'"));
        return $"tensor '{names[0]}'" + (names.Count == 1 ? "" : $" and {names.Count - 1} more ({next}{(names.Count - 1 > MostNamed ? ", …" : "")})");
    }

    private static bool IsVisible(char c) => CharUnicodeInfo.GetUnicodeCategory(c) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,
        _ => true,
    };
}

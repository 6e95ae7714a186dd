namespace ModelCompiler.Runtime.Text;

/// <summary>Replacing fixed strings in UTF-8.</summary>
internal static class Literals
{
    /// <summary>Appends <paramref name="text"/> with every occurrence of a pattern replaced.</summary>
    public static void Replace(scoped ReadOnlySpan<byte> text, scoped ReadOnlySpan<byte> pattern, scoped ReadOnlySpan<byte> replacement, GrowingList<byte> output)
    {
        while (!pattern.IsEmpty)
        {
            int found = text.IndexOf(pattern);
            if (found < 0)
            {
                break;
            }

            output.AddRange(text[..found]);
            output.AddRange(replacement);
            text = text[(found + pattern.Length)..];
        }

        output.AddRange(text);
    }

    /// <summary>Appends <paramref name="text"/> with every run of at least <paramref name="least"/> occurrences of a unit replaced by one string.</summary>
    public static void ReplaceRuns(
        scoped ReadOnlySpan<byte> text, scoped ReadOnlySpan<byte> unit, int least, scoped ReadOnlySpan<byte> replacement, GrowingList<byte> output)
    {
        while (!unit.IsEmpty)
        {
            int found = text.IndexOf(unit);
            if (found < 0)
            {
                break;
            }

            int end = found;
            while (text[end..].StartsWith(unit))
            {
                end += unit.Length;
            }

            bool replace = (end - found) / unit.Length >= least;
            output.AddRange(text[..found]);
            output.AddRange(replace ? replacement : text[found..end]);
            text = text[end..];
        }

        output.AddRange(text);
    }
}

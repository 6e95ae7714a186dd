namespace ModelCompiler.Compiler.Diagnostics;

/// <summary>Finds what was meant by a name that was perhaps misspelt.</summary>
public static class Spelling
{
    /// <summary>From this length on names may differ by two letters: shorter ones are too often each other's neighbours (<c>cls_token_id</c>, <c>bos_token_id</c>).</summary>
    private const int LongName = 12;

    /// <summary>The first of the names that are one letter away from <paramref name="found"/>, or two where they are long; case, dashes and underscores do not count. Null: none.</summary>
    public static string? Nearest(string found, IEnumerable<string> names)
    {
        string letters = Letters(found);
        return names.Select(name => (name, letters: Letters(name)))
            .Select(known => (known.name, most: known.letters.Length >= LongName ? 2 : 1, distance: Distance(letters, known.letters)))
            .Where(known => known.distance <= known.most)
            .OrderBy(known => known.distance)
            .FirstOrDefault().name;
    }

    private static string Letters(string name) => new([.. name.Where(c => c is not '_' and not '-' and not ' ').Select(char.ToLowerInvariant)]);

    /// <summary>Letters put in, left out, replaced or exchanged with the next, at the fewest (optimal string alignment); at least the difference of the lengths.</summary>
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > 2)
        {
            return Math.Abs(a.Length - b.Length);
        }

        int[,] distance = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                distance[i, j] = i == 0 ? j : j == 0 ? i : Math.Min(
                    Math.Min(distance[i - 1, j], distance[i, j - 1]) + 1,
                    distance[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    distance[i, j] = Math.Min(distance[i, j], distance[i - 2, j - 2] + 1);
                }
            }
        }

        return distance[a.Length, b.Length];
    }
}

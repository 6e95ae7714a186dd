using System.Globalization;
using System.Runtime.InteropServices;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>
/// Packs the tables of Unicode's normalisation forms for <see cref="UnicodeForm"/>, from the data file beside this one: the tool must give the
/// same bytes on any machine, so it asks neither the machine's ICU nor the version of .NET.
/// </summary>
internal sealed class UnicodeTables
{
    private readonly SortedDictionary<int, (bool Compatible, int[] Parts)> decompositions = [];
    private readonly SortedDictionary<int, int> classes = [];
    private readonly HashSet<int> excluded = [];

    private UnicodeTables()
    {
        using Stream stream = typeof(UnicodeTables).Assembly.GetManifestResourceStream("UnicodeNormalization.txt")
            ?? throw new InvalidOperationException("The resource UnicodeNormalization.txt is missing from the tool.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
            {
                Read(line.Split(';'));
            }
        }
    }

    /// <summary>The tables of one form.</summary>
    /// <param name="compatible">Compatibility decompositions too (NFKC, NFKD).</param>
    /// <param name="composes">Compositions too (NFC, NFKC).</param>
    public static byte[] Pack(bool compatible, bool composes)
    {
        var tables = new UnicodeTables();
        var records = new List<int>();
        var data = new List<int>();
        foreach ((int character, (bool isCompatible, _)) in tables.decompositions)
        {
            if (compatible || !isCompatible)
            {
                records.AddRange([character, data.Count]);
                int begin = data.Count;
                tables.Expand(character, compatible, data);
                records.Add(data.Count - begin);
            }
        }

        int[] pairs = composes
            ? [.. tables.decompositions
                .Where(pair => !pair.Value.Compatible && pair.Value.Parts.Length == 2 && !tables.excluded.Contains(pair.Key))
                .OrderBy(pair => (pair.Value.Parts[0], pair.Value.Parts[1]))
                .SelectMany(pair => new[] { pair.Value.Parts[0], pair.Value.Parts[1], pair.Key })]
            : [];
        int[] ordered = [.. tables.classes.SelectMany(pair => new[] { pair.Key, pair.Value })];
        int[] words = [records.Count / 3, data.Count, ordered.Length / 2, pairs.Length / 3, .. records, .. data, .. ordered, .. pairs];
        return MemoryMarshal.AsBytes<int>(words).ToArray();
    }

    private void Read(string[] fields)
    {
        int character = int.Parse(fields[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        if (fields.Length > 1 && fields[1].Length > 0)
        {
            classes.Add(character, int.Parse(fields[1], CultureInfo.InvariantCulture));
        }

        if (fields.Length > 2 && fields[2].Length > 0)
        {
            string[] parts = fields[2].Split(' ');
            bool compatible = parts[0] == "<>";
            decompositions.Add(character, (compatible, [.. parts.Skip(compatible ? 1 : 0).Select(part => int.Parse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))]));
        }

        if (fields.Length > 3 && fields[3] == "X")
        {
            excluded.Add(character);
        }
    }

    /// <summary>Decomposes until nothing decomposes any further.</summary>
    private void Expand(int character, bool compatible, List<int> output)
    {
        if (decompositions.TryGetValue(character, out (bool Compatible, int[] Parts) found) && (compatible || !found.Compatible))
        {
            foreach (int part in found.Parts)
            {
                Expand(part, compatible, output);
            }
        }
        else
        {
            output.Add(character);
        }
    }
}

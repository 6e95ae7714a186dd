using System.Globalization;
using System.Text.RegularExpressions;

namespace StoryWorld.Grammar;

/// <summary>
/// Reads the grammar from its files (World/*.txt; README.md describes the format). A line is a declaration, a row of the table above it,
/// or a wording of the meaning above it.
/// </summary>
public sealed partial class WorldReader
{
    private readonly Dictionary<string, IReadOnlyList<Word>> tables = [];
    private readonly Dictionary<string, IReadOnlyList<Meaning>> phrases = [];
    private readonly List<Scene> scenes = [];

    private string[] columns = [];
    private List<Word>? rows;
    private Dictionary<string, Variable> variables = [];
    private List<Step> steps = [];
    private List<Meaning> meanings = [];

    /// <summary>The grammar that travels in this assembly.</summary>
    public static World ReadEmbedded()
    {
        var assembly = typeof(WorldReader).Assembly;
        return Read(assembly.GetManifestResourceNames().Order(StringComparer.Ordinal).Select(name =>
        {
            using StreamReader file = new(assembly.GetManifestResourceStream(name)!);
            return (name, file.ReadToEnd());
        }));
    }

    /// <exception cref="WorldException">What is wrong, with file and line.</exception>
    public static World Read(IEnumerable<(string Name, string Text)> files)
    {
        WorldReader reader = new();
        foreach ((string name, string text) in files)
        {
            int number = 0;
            foreach (string line in text.Split('\n'))
            {
                number++;
                try
                {
                    reader.ReadLine(line.Trim());
                }
                catch (Exception wrong) when (wrong is FormatException or ArgumentException or KeyNotFoundException)
                {
                    throw new WorldException($"{name}({number}): {wrong.Message}");
                }
            }
        }

        World world = new(reader.tables, reader.phrases, reader.scenes);
        WorldCheck.Run(world);
        return world;
    }

    private void ReadLine(string line)
    {
        if (line.Length == 0 || line[0] == '#')
        {
            return;
        }

        (string rest, int weight) = SplitWeight(line);
        (string keyword, rest) = SplitFirst(rest);
        switch (keyword)
        {
            case "table": BeginTable(rest); break;
            case "set": BeginSet(rest); break;
            case "phrase": phrases.Add(rest, BeginMeanings()); break;
            case "scene": BeginScene(rest, weight); break;
            case "let": AddVariable(rest, each: false); break;
            case "each": AddVariable(rest, each: true); break;
            case "say": steps.Add(new(100, 1, 1, false, BeginMeanings())); break;
            case "maybe": steps.Add(new(int.Parse(rest, CultureInfo.InvariantCulture), 1, 1, false, BeginMeanings())); break;
            case "some": steps.Add(Several(rest, fresh: false)); break;
            case "repeat": steps.Add(Several(rest, fresh: true)); break;
            case "-": meanings.Add(new(weight, new List<Template>(), new List<Template>())); break;
            case "en": AddWording(meaning => meaning.English, rest); break;
            case "zh": AddWording(meaning => meaning.Chinese, rest); break;
            default: AddRow(line); break;
        }
    }

    /// <summary><c>animal: en, s, zh, eats&gt;fodder, it=it</c>: the columns of the rows that follow; a form with "=" is every row's.</summary>
    private void BeginTable(string rest)
    {
        string[] parts = rest.Split(':', 2);
        columns = [.. parts[1].Split(',', StringSplitOptions.TrimEntries)];
        rows = [];
        tables.Add(parts[0].Trim(), rows);
    }

    /// <summary><c>person = girl | boy</c>: the words of tables declared before.</summary>
    private void BeginSet(string rest)
    {
        string[] parts = rest.Split('=', 2, StringSplitOptions.TrimEntries);
        tables.Add(parts[0], [.. parts[1].Split('|', StringSplitOptions.TrimEntries).SelectMany(name => tables[name])]);
        rows = null;
    }

    private void AddRow(string line)
    {
        if (rows is null)
        {
            throw new FormatException($"found \"{line}\", expected a declaration, or a row below a table");
        }

        (string text, int weight) = SplitWeight(line);
        string[] cells = [.. text.Split(',', StringSplitOptions.TrimEntries)];
        Dictionary<string, string> forms = [];
        Dictionary<string, Link> links = [];
        int cell = 0;
        foreach (string column in columns)
        {
            if (column.Split('=') is [string constant, string value])
            {
                forms.Add(constant, value);
            }
            else if (cell == cells.Length)
            {
                throw new FormatException($"found {cells.Length} cells, expected one for each of {string.Join(", ", columns)}");
            }
            else if (column.Split('>') is [string link, string table])
            {
                links.Add(link, new(table, cells[cell++].Split('|')));
            }
            else
            {
                forms.Add(column, cells[cell++]);
            }
        }

        if (cell < cells.Length)
        {
            throw new FormatException($"found {cells.Length} cells, expected {cell}");
        }

        rows.Add(new(cells[0], weight, forms, links));
    }

    private void BeginScene(string name, int weight)
    {
        variables = [];
        steps = [];
        rows = null;
        scenes.Add(new(name, weight, variables, steps));
    }

    private void AddVariable(string rest, bool each)
    {
        string[] parts = rest.Split('=', 2, StringSplitOptions.TrimEntries);
        variables.Add(parts[0], new(parts[0], parts[1], each));
    }

    /// <summary><c>1..3</c></summary>
    private Step Several(string rest, bool fresh)
    {
        string[] ends = rest.Split("..");
        return new(100, int.Parse(ends[0], CultureInfo.InvariantCulture), int.Parse(ends[1], CultureInfo.InvariantCulture), fresh, BeginMeanings());
    }

    private List<Meaning> BeginMeanings()
    {
        rows = null;
        return meanings = [];
    }

    /// <summary>Where a step or a phrase has only one meaning, the line "-" above it is left out.</summary>
    private void AddWording(Func<Meaning, IReadOnlyList<Template>> language, string text)
    {
        if (meanings.Count == 0)
        {
            meanings.Add(new(1, new List<Template>(), new List<Template>()));
        }

        ((List<Template>)language(meanings[^1])).Add(TemplateReader.Read(text));
    }

    /// <summary>A weight stands at the end of a line, as <c>*3</c>; without one it is 1.</summary>
    private static (string Text, int Weight) SplitWeight(string line)
        => WeightPattern().Match(line) is { Success: true } found
            ? (line[..found.Index], int.Parse(found.Groups[1].ValueSpan, CultureInfo.InvariantCulture))
            : (line, 1);

    private static (string First, string Remainder) SplitFirst(string line)
        => line.Split(' ', 2) is [string first, string rest] ? (first, rest.Trim()) : (line, "");

    [GeneratedRegex(@"\s*\*(\d+)$")]
    private static partial Regex WeightPattern();
}

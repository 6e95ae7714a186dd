using System.Globalization;
using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>The kinds of JSON values.</summary>
public enum JsonKind
{
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

/// <summary>A property of an object, with the place of its name. Lines and columns count from 1.</summary>
public readonly struct JsonMember(string name, int line, int column, JsonValue value)
{
    /// <summary>The name, unescaped.</summary>
    public string Name { get; } = name;

    /// <summary>Line of the name.</summary>
    public int Line { get; } = line;

    /// <summary>Column of the name's opening quote.</summary>
    public int Column { get; } = column;

    /// <summary>The value.</summary>
    public JsonValue Value { get; } = value;
}

/// <summary>
/// A parsed JSON value and the place where it begins. Columns count UTF-16 code units, as editors do. Numbers keep the
/// text in which they were written; reading it as a number of some type is the caller's choice.
/// </summary>
public sealed class JsonValue
{
    private const int LinearSearchLimit = 8;

    private readonly JsonValue[] items;
    private readonly JsonMember[] members;
    private readonly Dictionary<string, int>? memberIndex;

    private JsonValue(JsonKind kind, int line, int column, string text, JsonValue[] items, JsonMember[] members)
    {
        Kind = kind;
        Line = line;
        Column = column;
        Text = text;
        this.items = items;
        this.members = members;
        memberIndex = members.Length > LinearSearchLimit ? Index(members) : null;
    }

    /// <summary>What it is.</summary>
    public JsonKind Kind { get; }

    /// <summary>Line of its first character.</summary>
    public int Line { get; }

    /// <summary>Column of its first character.</summary>
    public int Column { get; }

    /// <summary>A string's content, unescaped; a number, boolean or null as written; empty for arrays and objects.</summary>
    public string Text { get; }

    /// <summary>The elements of an array, else empty.</summary>
    public IReadOnlyList<JsonValue> Items => items;

    /// <summary>The properties of an object in the order of the file, else empty. No name occurs twice.</summary>
    public IReadOnlyList<JsonMember> Members => members;

    /// <summary>The value of property <paramref name="name"/>, or null.</summary>
    public JsonValue? Find(string name)
    {
        if (memberIndex is not null)
        {
            return memberIndex.TryGetValue(name, out int index) ? members[index].Value : null;
        }

        foreach (JsonMember member in members)
        {
            if (member.Name == name)
            {
                return member.Value;
            }
        }

        return null;
    }

    /// <summary>True for a number written as a whole number that fits 64 bits.</summary>
    public bool TryGetInt64(out long value)
    {
        value = 0;
        return Kind == JsonKind.Number && long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>True for a number that is finite as a double.</summary>
    public bool TryGetDouble(out double value)
    {
        value = 0;
        return Kind == JsonKind.Number
            && double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
            && !double.IsInfinity(value);
    }

    /// <summary>What it is, for the "found" of a diagnostic: <c>the string 'abc'</c>.</summary>
    public string Describe() => Kind switch
    {
        JsonKind.String => "the string " + DiagnosticReporting.Quote(Text),
        JsonKind.Number => "the number " + (Text.Length <= 40 ? Text : Text.Substring(0, 40) + "…"),
        JsonKind.Array => "a list",
        JsonKind.Object => "an object",
        _ => Text,
    };

    /// <summary>Makes null, a boolean, a number or a string.</summary>
    internal static JsonValue Scalar(JsonKind kind, int line, int column, string text) => new(kind, line, column, text, [], []);

    /// <summary>Makes an array.</summary>
    internal static JsonValue Array(int line, int column, JsonValue[] items) => new(JsonKind.Array, line, column, "", items, []);

    /// <summary>Makes an object.</summary>
    internal static JsonValue Object(int line, int column, JsonMember[] members) => new(JsonKind.Object, line, column, "", [], members);

    private static Dictionary<string, int> Index(JsonMember[] members)
    {
        Dictionary<string, int> index = new(members.Length, StringComparer.Ordinal);
        for (int i = 0; i < members.Length; i++)
        {
            index.Add(members[i].Name, i);
        }

        return index;
    }
}

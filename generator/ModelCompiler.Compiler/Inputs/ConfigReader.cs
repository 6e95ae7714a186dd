using System.Globalization;
using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// Typed reading of one object of a config or manifest. What is wrong is reported at its line, and a harmless value is returned, so that one
/// build shows every mistake; check <see cref="Failed"/> before using what was read. <c>null</c> counts as absent, as it does
/// in published configs.
/// </summary>
public sealed class ConfigReader
{
    private readonly string file;
    private readonly string prefix;
    private readonly JsonValue root;
    private readonly string advice;
    private readonly ICollection<ModelDiagnostic> diagnostics;
    private readonly ConfigReader? parent;
    private readonly Dictionary<string, (JsonValue Settings, HashSet<string> Asked)> objects; // of the whole file, by prefix
    private readonly HashSet<string> asked;
    private bool failed;

    private ConfigReader(string file, JsonValue root, string advice, ICollection<ModelDiagnostic> diagnostics, ConfigReader? parent = null, string prefix = "")
    {
        this.file = file;
        this.root = root;
        this.advice = advice;
        this.diagnostics = diagnostics;
        this.parent = parent;
        this.prefix = prefix;
        objects = parent?.objects ?? new(StringComparer.Ordinal);
        if (!objects.TryGetValue(prefix, out (JsonValue Settings, HashSet<string> Asked) known))
        {
            objects.Add(prefix, known = (root, new(StringComparer.Ordinal)));
        }

        asked = known.Asked;
    }

    private ConfigReader(ConfigReader parent, string prefix, JsonValue root)
        : this(parent.file, root, parent.advice, parent.diagnostics, parent, prefix)
    {
    }

    /// <summary>Parses a file that holds one object. Null after an error; <paramref name="advice"/> is what diagnostics tell the user to do.</summary>
    internal static ConfigReader? Open(TextFile source, string advice, ICollection<ModelDiagnostic> diagnostics)
    {
        if (JsonReader.Read(source, diagnostics) is not { } root)
        {
            return null;
        }

        if (root.Kind == JsonKind.Object)
        {
            return new ConfigReader(source.Path, root, advice, diagnostics);
        }

        diagnostics.Report(
            Catalogue.WrongType, new SourceSpan(source.Path, root.Line, root.Column), "file", root.Describe(), "an object", advice);
        return null;
    }

    /// <summary>True once anything was reported as an error, here or in an object inside this one.</summary>
    public bool Failed => failed;

    /// <summary>The names of all settings, in the order of the file.</summary>
    public IEnumerable<string> Keys => root.Members.Select(member => member.Name);

    /// <summary>True when the setting is there and is not null.</summary>
    public bool Has(string key) => Find(key) is not null;

    /// <summary>True when the setting is there, be it null: where leaving it out means something else than null.</summary>
    public bool Mentions(string key) => Look(key) is not null;

    /// <summary>Where a setting's value is, or, when it is absent, where its object begins.</summary>
    public SourceSpan Where(string key) => At(root.Find(key) ?? root);

    /// <summary>A required whole number from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public Size Size(string key, int least, int most) => Find(key) is { } value
        ? Size(key, value, least, most)
        : new Size(Missing(key, Between(least, most), least), key, Where(key));

    /// <summary>An optional whole number; absent: <paramref name="otherwise"/>, which keeps its own name and place.</summary>
    public Size Size(string key, int least, int most, Size otherwise)
        => Find(key) is { } value ? Size(key, value, least, most) : otherwise;

    /// <summary>An optional whole number; absent: <paramref name="otherwise"/>.</summary>
    public Size Size(string key, int least, int most, int otherwise)
        => Size(key, least, most, new Size(otherwise, key, Where(key)));

    /// <summary>A number from <paramref name="least"/> to <paramref name="most"/>; required unless <paramref name="otherwise"/> is given.</summary>
    public double Number(string key, double least, double most, double? otherwise = null)
    {
        string expected = $"a number from {Show(least)} to {Show(most)}";
        if (Find(key) is not { } value)
        {
            return otherwise ?? Missing(key, expected, least);
        }

        if (!value.TryGetDouble(out double number))
        {
            return Wrong(value.Kind == JsonKind.Number ? Catalogue.OutOfRange : Catalogue.WrongType, key, value, expected, least);
        }

        return number >= least && number <= most ? number : Wrong(Catalogue.OutOfRange, key, value, expected, least);
    }

    /// <summary>true or false; absent: <paramref name="otherwise"/>.</summary>
    public Flag Flag(string key, bool otherwise)
    {
        if (Find(key) is not { } value)
        {
            return new Flag(otherwise, prefix + key, Where(key), IsSet: false);
        }

        bool flag = value.Kind == JsonKind.Boolean ? value.Text == "true" : Wrong(Catalogue.WrongType, key, value, "true or false", otherwise);
        return new Flag(flag, prefix + key, At(value), IsSet: true);
    }

    /// <summary>A string; required unless <paramref name="otherwise"/> is given.</summary>
    public string Text(string key, string? otherwise = null)
    {
        if (Find(key) is not { } value)
        {
            return otherwise ?? Missing(key, "a string", "");
        }

        return value.Kind == JsonKind.String ? value.Text : Wrong(Catalogue.WrongType, key, value, "a string", otherwise ?? "");
    }

    /// <summary>One of some strings, as what each stands for; absent: <paramref name="otherwise"/>.</summary>
    public T Choice<T>(string key, IReadOnlyDictionary<string, T> choices, T otherwise)
    {
        string text = Text(key, "");
        if (choices.TryGetValue(text, out T? choice))
        {
            return choice;
        }

        return Find(key) is { Kind: JsonKind.String } value
            ? Wrong(Catalogue.UnsupportedValue, key, value, "one of " + string.Join(", ", choices.Keys), otherwise)
            : otherwise;
    }

    /// <summary>A list of strings, or null when absent.</summary>
    public IReadOnlyList<string>? Texts(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.Kind == JsonKind.Array && value.Items.All(item => item.Kind == JsonKind.String)
            ? [.. value.Items.Select(item => item.Text)]
            : Wrong<IReadOnlyList<string>>(Catalogue.WrongType, key, value, "a list of strings", []);
    }

    /// <summary>A required list of objects.</summary>
    public IReadOnlyList<ConfigReader> Objects(string key)
    {
        const string Expected = "a list of objects";
        if (Find(key) is not { } value)
        {
            return Missing<IReadOnlyList<ConfigReader>>(key, Expected, []);
        }

        return value.Kind == JsonKind.Array && value.Items.All(item => item.Kind == JsonKind.Object)
            ? [.. value.Items.Select((item, i) => new ConfigReader(this, FormattableString.Invariant($"{prefix}{key}[{i}]."), item))]
            : Wrong<IReadOnlyList<ConfigReader>>(Catalogue.WrongType, key, value, Expected, []);
    }

    /// <summary>A required count of bytes: a whole number, 0 or more.</summary>
    public long Bytes(string key)
    {
        const string Expected = "a whole number of bytes";
        if (Find(key) is not { } value)
        {
            return Missing(key, Expected, 0L);
        }

        return value.TryGetInt64(out long bytes) && bytes >= 0 ? bytes : Wrong(Catalogue.WrongType, key, value, Expected, 0L);
    }

    /// <summary>One whole number or a list of them, such as <c>eos_token_id</c>; absent: <paramref name="otherwise"/>.</summary>
    public EquatableArray<int> Integers(string key, int least, int most, EquatableArray<int> otherwise)
    {
        if (Find(key) is not { } value)
        {
            return otherwise;
        }

        IReadOnlyList<JsonValue> items = value.Kind == JsonKind.Array ? value.Items : [value];
        return items.Select(item => Size(key, item, least, most).Value).ToEquatable();
    }

    /// <summary>An object, or null when absent. Its mistakes count as mistakes of this one.</summary>
    public ConfigReader? Object(string key)
    {
        if (Find(key) is not { } value)
        {
            return null;
        }

        return value.Kind == JsonKind.Object
            ? new ConfigReader(this, prefix + key + ".", value)
            : Wrong<ConfigReader?>(Catalogue.WrongType, key, value, "an object", null);
    }

    /// <summary>Reports an error about a setting, at its line.</summary>
    public void Report(DiagnosticRule rule, string key, string expected, string remedy, string? found = null)
    {
        Fail();
        diagnostics.Report(rule, Where(key), prefix + key, found ?? Find(key)?.Describe() ?? "nothing", expected, remedy);
    }

    /// <summary>
    /// Reports <c>MC006</c> unless the setting is absent, null, false or <paramref name="allowed"/>: for settings that would
    /// change the model in a way that is not built.
    /// </summary>
    public void Refuse(string key, string remedy, string? allowed = null)
    {
        if (Find(key) is { Text: not "false" } value && value.Text != allowed)
        {
            Report(Catalogue.UnsupportedValue, key, allowed ?? "null or false", remedy);
        }
    }

    /// <summary>Warns (<c>MC008</c>) of settings that nobody has asked for, here or in an object inside this one, whose names are almost those of some that were asked for and are not there.</summary>
    public void ReportMisspelt()
    {
        foreach (KeyValuePair<string, (JsonValue Settings, HashSet<string> Asked)> known in objects.Where(known => known.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            MisspeltSettings.Report(file, known.Key, known.Value.Settings, known.Value.Asked, diagnostics);
        }
    }

    private JsonValue? Find(string key) => Look(key) is { Kind: not JsonKind.Null } value ? value : null;

    private JsonValue? Look(string key)
    {
        asked.Add(key);
        return root.Find(key);
    }

    private SourceSpan At(JsonValue value) => new(file, value.Line, value.Column);

    private Size Size(string key, JsonValue value, int least, int most)
    {
        string expected = Between(least, most);
        bool whole = value.TryGetInt64(out long number);
        bool tooLarge = !whole && value.Kind == JsonKind.Number && value.Text.All(c => c is '-' or (>= '0' and <= '9'));
        int size = (whole, tooLarge) switch
        {
            (false, false) => Wrong(Catalogue.WrongType, key, value, expected, least),
            _ when tooLarge || number < least || number > most => Wrong(Catalogue.OutOfRange, key, value, expected, least),
            _ => (int)number,
        };
        return new Size(size, prefix + key, At(value));
    }

    private T Missing<T>(string key, string expected, T harmless)
    {
        Report(Catalogue.MissingValue, key, expected, advice);
        return harmless;
    }

    private T Wrong<T>(DiagnosticRule rule, string key, JsonValue value, string expected, T harmless)
    {
        Fail();
        diagnostics.Report(rule, At(value), prefix + key, value.Describe(), expected, advice);
        return harmless;
    }

    /// <summary>Marks this object and those around it as failed, where the caller reported the mistake.</summary>
    internal void Fail()
    {
        for (ConfigReader? reader = this; reader is not null; reader = reader.parent)
        {
            reader.failed = true;
        }
    }

    private static string Between(int least, int most) => $"a whole number from {Show(least)} to {Show(most)}";

    private static string Show(double number) => number.ToString(CultureInfo.InvariantCulture);
}

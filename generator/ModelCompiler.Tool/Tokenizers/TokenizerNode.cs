using System.Text.Json;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>A value of a JSON document with its path, so that a complaint can say where.</summary>
internal readonly record struct TokenizerNode(JsonElement Element, string Path)
{
    /// <summary>Whether the value is absent or null.</summary>
    public bool IsNull => Element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>The component's <c>type</c>.</summary>
    public string Type => this["type"].Text();

    /// <summary>A property; an absent one reads as null.</summary>
    public TokenizerNode this[string name]
    {
        get
        {
            Expect(JsonValueKind.Object, "an object");
            string path = Path.Length == 0 ? name : $"{Path}.{name}";
            return new TokenizerNode(Element.TryGetProperty(name, out JsonElement value) ? value : default, path);
        }
    }

    /// <summary>Parses a document. The nodes live as long as <paramref name="document"/> does.</summary>
    public static TokenizerNode Parse(string json, string file, out JsonDocument document)
    {
        try
        {
            document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
        }
        catch (JsonException broken)
        {
            string what = broken.Message.Split(" LineNumber: ")[0].TrimEnd('.'); // the line is told with the file's name
            throw new TokenizerFileException("", $"{file}: found text that is no JSON ({what}), expected JSON. Download the file again: it may have been cut short.", (int)(broken.LineNumber ?? 0) + 1);
        }

        return new TokenizerNode(document.RootElement, "");
    }

    /// <summary>The value as a string.</summary>
    public string Text()
    {
        Expect(JsonValueKind.String, "a string");
        return Unpaired(Element.GetString);
    }

    /// <summary>The value as an integer that is not negative.</summary>
    public int Number() => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int value) && value >= 0
        ? value
        : throw Wrong("an integer from 0 to 2147483647");

    /// <summary>The value as a truth value, or <paramref name="absent"/>.</summary>
    public bool Flag(bool absent) => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null or JsonValueKind.Undefined => absent,
        _ => throw Wrong("true or false"),
    };

    /// <summary>The elements of an array; none when absent.</summary>
    public IEnumerable<TokenizerNode> Items()
    {
        if (IsNull)
        {
            yield break;
        }

        Expect(JsonValueKind.Array, "an array");
        int index = 0;
        foreach (JsonElement item in Element.EnumerateArray())
        {
            yield return new TokenizerNode(item, $"{Path}[{index++}]");
        }
    }

    /// <summary>The properties of an object.</summary>
    public IEnumerable<(string Name, TokenizerNode Value)> Properties()
    {
        Expect(JsonValueKind.Object, "an object");
        foreach (JsonProperty property in Element.EnumerateObject())
        {
            string name = Unpaired(() => property.Name);
            yield return (name, new TokenizerNode(property.Value, $"{Path}[\"{name}\"]"));
        }
    }

    /// <summary>The complaint that this value is not what it should be.</summary>
    public TokenizerFileException Wrong(string expected)
    {
        string found = IsNull ? "nothing" : Element.GetRawText();
        return new TokenizerFileException(Path, $"found {(found.Length > 80 ? found[..80] + "…" : found)}, expected {expected}");
    }

    private void Expect(JsonValueKind kind, string expected)
    {
        if (Element.ValueKind != kind)
        {
            throw Wrong(expected);
        }
    }

    private string Unpaired(Func<string?> read)
    {
        try
        {
            return read()!;
        }
        catch (InvalidOperationException)
        {
            throw new TokenizerFileException(Path, "found a string with half of a surrogate pair, expected Unicode text");
        }
    }
}

using System.Text.Json;
using ModelCompiler.Tool.Commands;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Tokenizers.Training;

namespace ModelCompiler.Tool.Training;

/// <summary>Where documents of a text file end.</summary>
internal enum DocumentSplit
{
    /// <summary>At <c>&lt;|endoftext|&gt;</c> when the file has it, else at blank lines.</summary>
    Auto,

    /// <summary>At <c>&lt;|endoftext|&gt;</c>.</summary>
    Marker,

    /// <summary>At blank lines.</summary>
    BlankLines,

    /// <summary>A file is one document.</summary>
    None,
}

/// <summary>
/// Reads what a model is to learn from, as documents. A .json file is an array of documents, a .jsonl file has one on each line; there a document is a string, or
/// an object of which fields are taken: strings, or arrays of strings, which become lines. Any other file is plain text. UTF-8; line ends become \n.
/// </summary>
internal static class TextDocuments
{
    private const string Advice = "Name a text file, UTF-8.";

    /// <summary>Whether a file is read as JSON, by its name.</summary>
    public static bool HasFields(string path) => Path.GetExtension(path).ToLowerInvariant() is ".json" or ".jsonl";

    /// <summary>The documents of a file, in order; none is empty.</summary>
    /// <param name="path">The file.</param>
    /// <param name="split">How plain text is cut.</param>
    /// <param name="fields">Of JSON objects, in the order in which they become lines.</param>
    /// <param name="cancellation">Looked at while the file is read.</param>
    /// <exception cref="TrainingTextException">The JSON has no documents.</exception>
    /// <exception cref="Compiler.Diagnostics.ModelException">The file cannot be read, or is not UTF-8.</exception>
    public static IReadOnlyList<string> Read(string path, DocumentSplit split, IReadOnlyList<string> fields, CancellationToken cancellation = default)
    {
        string text = ModelText.ReadNamed(path, Advice, cancellation).Text.ReplaceLineEndings("\n");
        IEnumerable<string> documents = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".json" => OfJson(path, text, fields),
            ".jsonl" => text.Split('\n', StringSplitOptions.RemoveEmptyEntries).SelectMany((line, number) => OfLine(path, number + 1, line, fields)),
            _ => Cut(text, split),
        };
        return [.. documents.Where(document => !string.IsNullOrWhiteSpace(document))];
    }

    private static IEnumerable<string> Cut(string text, DocumentSplit split) => split switch
    {
        DocumentSplit.Marker => Cut(text, TokenizerJson.EndOfText),
        DocumentSplit.BlankLines => Cut(text, "\n\n"),
        DocumentSplit.Auto => Cut(text, text.Contains(TokenizerJson.EndOfText, StringComparison.Ordinal) ? TokenizerJson.EndOfText : "\n\n"),
        _ => [text],
    };

    private static IEnumerable<string> Cut(string text, string separator) => text.Split(separator).Select(document => document.Trim('\n'));

    private static IEnumerable<string> OfJson(string path, string text, IReadOnlyList<string> fields)
    {
        using JsonDocument json = Parse(path, 0, text);
        if (json.RootElement.ValueKind != JsonValueKind.Array)
        {
            throw new TrainingTextException(path, 1, "the text", $"{json.RootElement.ValueKind} at its root", "an array of documents");
        }

        return [.. json.RootElement.EnumerateArray().Select((document, number) => OfElement(path, 0, $"document {number + 1}", document, fields))];
    }

    private static IEnumerable<string> OfLine(string path, int line, string text, IReadOnlyList<string> fields)
    {
        using JsonDocument json = Parse(path, line, text);
        return [OfElement(path, line, "the document", json.RootElement, fields)];
    }

    private static JsonDocument Parse(string path, int line, string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException fault)
        {
            int at = line > 0 ? line : (int)(fault.LineNumber ?? 0) + 1;
            throw new TrainingTextException(path, at, "the text", $"broken JSON ({fault.Message.Split('.')[0]})", "JSON");
        }
    }

    private static string OfElement(string path, int line, string what, JsonElement document, IReadOnlyList<string> fields)
    {
        if (document.ValueKind == JsonValueKind.String)
        {
            return document.GetString()!;
        }

        if (document.ValueKind != JsonValueKind.Object || fields.Count == 0)
        {
            throw new TrainingTextException(path, line, what, document.ValueKind.ToString(), "a string, or an object and --json-field to say which of its fields is the text");
        }

        return string.Join('\n', fields.SelectMany(field => document.TryGetProperty(field, out JsonElement value)
            ? Lines(path, line, $"{what}, field '{field}'", value)
            : throw new TrainingTextException(path, line, what, $"no field '{field}'", $"one; it has {string.Join(", ", document.EnumerateObject().Select(property => property.Name))}")));
    }

    private static IEnumerable<string> Lines(string path, int line, string what, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) => [.. value.EnumerateArray().Select(item => item.GetString()!)],
        _ => throw new TrainingTextException(path, line, what, value.ValueKind.ToString(), "a string or an array of strings"),
    };
}

/// <summary>A text that a model cannot learn from, told as a whole line in the canonical form.</summary>
internal sealed class TrainingTextException(string path, int line, string what, string found, string expected)
    : Exception($"{path}{(line > 0 ? $"({line})" : "")}: error MC330: {what}: found {found}, expected {expected}.");

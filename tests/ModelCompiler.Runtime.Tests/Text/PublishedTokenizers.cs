using System.Collections.Concurrent;
using System.Text.Json;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Tokenizers;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>The published tokenizers beside the checkout, and what the independent reference makes of texts with them.</summary>
internal static class PublishedTokenizers
{
    private static readonly ConcurrentDictionary<string, byte[]> Packed = new();

    /// <summary>One text of encodings.json.</summary>
    public sealed record Encoding(string Text, int[] Ids, int[] IdsWithSpecial, string Decoded);

    public static string Folder(string name) => name == "stories260K" ? "models/stories260K" : "tokenizers/" + name;

    /// <summary>The packed tokenizer; each is packed once.</summary>
    public static byte[] Pack(string name)
    {
        string json = SharedData.Require(Folder(name) + "/tokenizer.json");
        string config = Path.Combine(Path.GetDirectoryName(json)!, "tokenizer_config.json");
        return Packed.GetOrAdd(name, _ => TokenizerPacker.Pack(File.ReadAllText(json), File.Exists(config) ? File.ReadAllText(config) : null));
    }

    public static Tokenizer Open(string name) => new(Pack(name));

    public static Encoding[] Encodings(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(SharedData.Require($"tokenizers/{name}/encodings.json")));
        return [.. document.RootElement.EnumerateArray().Select(item => new Encoding(
            item.GetProperty("text").GetString()!, Ids(item, "ids"), Ids(item, "ids_with_special"), item.GetProperty("decoded").GetString()!))];

        static int[] Ids(JsonElement item, string name) => [.. item.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
    }
}

using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Tool.Tokenizers;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>Writes small tokenizer.json files for tests, so that they need no published one.</summary>
internal sealed class TinyTokenizer
{
    private readonly JsonObject vocabulary = [];
    private readonly JsonArray merges = [];
    private readonly JsonArray added = [];
    private readonly JsonObject model;

    public TinyTokenizer(IEnumerable<string> tokens)
    {
        foreach (string token in tokens)
        {
            vocabulary.Add(token, vocabulary.Count);
        }

        model = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = merges };
    }

    /// <summary>The other parts of the file by name, as JSON.</summary>
    public Dictionary<string, string> Parts { get; } = [];

    /// <summary>A byte-level tokenizer whose first 256 tokens are the bytes.</summary>
    public static TinyTokenizer OfBytes(string preTokenizer = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""")
    {
        var tiny = new TinyTokenizer(Enumerable.Range(0, 256).Select(value => TokenNames.Character((byte)value).ToString()));
        tiny.Parts["pre_tokenizer"] = preTokenizer;
        tiny.Parts["decoder"] = """{"type":"ByteLevel"}""";
        return tiny;
    }

    /// <summary>A tokenizer like Llama 2's: &lt;unk&gt;, the 256 bytes, then the given characters.</summary>
    public static TinyTokenizer WithByteFallback(IEnumerable<string> characters)
    {
        var tiny = new TinyTokenizer([.. new[] { "<unk>" }, .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), .. characters]);
        tiny.Model("unk_token", "<unk>").Model("byte_fallback", true).Model("fuse_unk", true);
        tiny.Parts["normalizer"] = """{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}""";
        tiny.Parts["decoder"] = """{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}""";
        return tiny;
    }

    /// <summary>Adds a merge, and its result to the vocabulary unless it is there.</summary>
    public TinyTokenizer Merge(string left, string right)
    {
        if (!vocabulary.ContainsKey(left + right))
        {
            vocabulary.Add(left + right, vocabulary.Count);
        }

        merges.Add(new JsonArray(left, right));
        return this;
    }

    /// <summary>Sets an option of the model.</summary>
    public TinyTokenizer Model(string name, JsonNode value)
    {
        model[name] = value;
        return this;
    }

    /// <summary>Adds an added token behind the vocabulary.</summary>
    public TinyTokenizer Added(string content, bool special = true, bool normalized = false, bool lstrip = false, bool rstrip = false, bool singleWord = false)
    {
        int id = vocabulary.TryGetPropertyValue(content, out JsonNode? known) ? known!.GetValue<int>() : 1000 + added.Count;
        added.Add(new JsonObject
        {
            ["id"] = id, ["content"] = content, ["special"] = special, ["normalized"] = normalized,
            ["lstrip"] = lstrip, ["rstrip"] = rstrip, ["single_word"] = singleWord,
        });
        return this;
    }

    /// <summary>The id of a token of the vocabulary.</summary>
    public int Id(string token) => vocabulary[token]!.GetValue<int>();

    /// <summary>tokenizer.json.</summary>
    public string Json()
    {
        var root = new JsonObject { ["version"] = "1.0", ["added_tokens"] = added.DeepClone(), ["model"] = model.DeepClone() };
        foreach ((string name, string json) in Parts)
        {
            root[name] = System.Text.Json.Nodes.JsonNode.Parse(json);
        }

        return root.ToJsonString();
    }

    public byte[] Pack(string? config = null) => TokenizerPacker.Pack(Json(), config);

    public Tokenizer Open(string? config = null) => new(Pack(config));
}

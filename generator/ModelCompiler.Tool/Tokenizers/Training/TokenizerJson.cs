using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ModelCompiler.Tool.Tokenizers.Training;

/// <summary>
/// Writes the tokenizer.json of a tokenizer that was made from a text, as Hugging Face's tokenizers read it, and the tokenizer_config.json beside it. One special
/// token, number 0, begins and ends every text.
/// </summary>
internal static class TokenizerJson
{
    /// <summary>The token that begins and ends a text.</summary>
    public const string EndOfText = "<|endoftext|>";

    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true, NewLine = "\n" };

    /// <summary>One token for each character; no merges.</summary>
    /// <param name="characters">In the order of their ids, from 1 on.</param>
    public static string OfCharacters(IEnumerable<string> characters)
        => Write(characters, [], preTokenizer: null, new JsonObject { ["type"] = "Fuse" });

    /// <summary>Byte-level pairs. Each Han character is a piece of its own, so that a word never hides the characters that it is made of; the rest is cut as GPT-2 cuts it.</summary>
    /// <param name="tokens">In the order of their ids, from 1 on, in GPT-2's alphabet of bytes.</param>
    /// <param name="merges">In order of rank.</param>
    public static string OfBytePairs(IEnumerable<string> tokens, IEnumerable<(string Left, string Right)> merges)
    {
        JsonObject byteLevel = new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true };
        JsonObject han = new() { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = TextPieces.HanPattern }, ["behavior"] = "Isolated", ["invert"] = false };
        JsonObject sequence = new() { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(han, byteLevel.DeepClone()) };
        return Write(tokens, merges, sequence, byteLevel);
    }

    /// <summary>tokenizer_config.json.</summary>
    /// <param name="contextLength">The model's.</param>
    public static string Config(int contextLength) => new JsonObject
    {
        ["tokenizer_class"] = "PreTrainedTokenizerFast",
        ["bos_token"] = EndOfText,
        ["eos_token"] = EndOfText,
        ["clean_up_tokenization_spaces"] = false,
        ["model_max_length"] = contextLength,
    }.ToJsonString(Options) + "\n";

    private static string Write(IEnumerable<string> tokens, IEnumerable<(string Left, string Right)> merges, JsonNode? preTokenizer, JsonNode decoder)
    {
        JsonObject vocabulary = new() { [EndOfText] = 0 };
        foreach (string token in tokens)
        {
            vocabulary.Add(token, vocabulary.Count);
        }

        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(new JsonObject
            {
                ["id"] = 0, ["content"] = EndOfText, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
            }),
            ["normalizer"] = null,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = Template(),
            ["decoder"] = decoder,
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["continuing_subword_prefix"] = null, ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false, ["byte_fallback"] = false, ["ignore_merges"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)new JsonArray(merge.Left, merge.Right))]),
            },
        }.ToJsonString(Options) + "\n";
    }

    /// <summary>Puts the special token before a text.</summary>
    private static JsonObject Template()
    {
        return new()
        {
            ["type"] = "TemplateProcessing",
            ["single"] = new JsonArray(Special(), Sequence("A", 0)),
            ["pair"] = new JsonArray(Special(), Sequence("A", 0), Sequence("B", 1)),
            ["special_tokens"] = new JsonObject
            {
                [EndOfText] = new JsonObject { ["id"] = EndOfText, ["ids"] = new JsonArray(0), ["tokens"] = new JsonArray(EndOfText) },
            },
        };

        static JsonObject Special() => new() { ["SpecialToken"] = new JsonObject { ["id"] = EndOfText, ["type_id"] = 0 } };
        static JsonObject Sequence(string id, int type) => new() { ["Sequence"] = new JsonObject { ["id"] = id, ["type_id"] = type } };
    }
}

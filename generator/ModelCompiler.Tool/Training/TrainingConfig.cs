using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Runtime.Text;
using NodeValue = System.Text.Json.Nodes.JsonValue;

namespace ModelCompiler.Tool.Training;

/// <summary>Fits a config.json to a tokenizer: what it leaves out is filled in, what contradicts the tokenizer is refused; a vocabulary larger than that of a tokenizer made for the model shrinks to it.</summary>
internal static class TrainingConfig
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The config of the model to be trained.</summary>
    /// <param name="file">As the user wrote it; it may lack vocab_size, bos_token_id and eos_token_id.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="isMade">It was made for this model, so that its special tokens are the model's. Published models may say otherwise than their tokenizers.</param>
    /// <param name="half">Weights are written in bfloat16 instead of float32.</param>
    /// <param name="keepSpareRows">A vocabulary larger than that of a tokenizer made for the model stays.</param>
    /// <exception cref="ModelException">The file is no JSON object, or contradicts the tokenizer.</exception>
    public static TextFile Fit(TextFile file, Tokenizer tokenizer, bool isMade, bool half, bool keepSpareRows = false)
    {
        List<ModelDiagnostic> diagnostics = [];
        ConfigReader config = new ModelConfig(file).Open(diagnostics) ?? throw new ModelException(diagnostics[0]);
        JsonObject root = (JsonObject)JsonNode.Parse(file.Text)!;
        int vocab = Fill("vocab_size", tokenizer.VocabularySize);
        if (vocab < tokenizer.VocabularySize)
        {
            throw Contradiction("vocab_size", vocab, $"at least {tokenizer.VocabularySize}, the tokens of the tokenizer");
        }

        if (isMade && !keepSpareRows)
        {
            root["vocab_size"] = tokenizer.VocabularySize; // published models have rows to spare, one that is made for its tokenizer needs none
        }

        FillToken("bos_token_id", tokenizer.BeginId);
        FillToken("eos_token_id", tokenizer.EndId);
        root["torch_dtype"] = half ? "bfloat16" : "float32";
        return file with { Text = root.ToJsonString(Options) + "\n" };

        void FillToken(string key, int id)
        {
            if (id < 0 || (!isMade && root[key] is not null))
            {
                return;
            }

            if (Fill(key, id) is var found && found != id)
            {
                throw Contradiction(key, found, $"{id}, '{tokenizer.TokenText(id)}' of the tokenizer");
            }
        }

        int Fill(string key, int value)
        {
            if (root[key] is not { } node)
            {
                root[key] = value;
                return value;
            }

            return node is NodeValue written && written.TryGetValue(out int number)
                ? number
                : throw new ModelException(Catalogue.WrongType.Create(config.Where(key), key, node.ToJsonString(), "a whole number, or nothing", "Leave it out: it is filled in."));
        }

        ModelException Contradiction(string key, int found, string expected)
            => new(Catalogue.InconsistentSizes.Create(config.Where(key), key, found.ToString(CultureInfo.InvariantCulture), expected, "Leave it out of the config: it is filled in."));
    }

    /// <summary>vocab_size, where the config has one.</summary>
    public static int? Vocabulary(TextFile config)
        => JsonNode.Parse(config.Text)!["vocab_size"] is NodeValue value && value.TryGetValue(out int vocab) ? vocab : null;

    /// <summary>initializer_range, where the config has one.</summary>
    public static double? InitializerRange(TextFile config)
        => JsonNode.Parse(config.Text)!["initializer_range"] is NodeValue value && value.TryGetValue(out double range) && range is > 0 and < 10 ? range : null;

    /// <summary>generation_config.json: how the model is meant to be asked.</summary>
    public static string Generation(int begin, IEnumerable<int> end)
    {
        JsonObject root = new() { ["do_sample"] = true, ["temperature"] = 0.8, ["top_p"] = 0.95 };
        if (begin >= 0)
        {
            root["bos_token_id"] = begin;
        }

        int[] ends = [.. end];
        if (ends.Length > 0)
        {
            root["eos_token_id"] = ends.Length == 1 ? ends[0] : new JsonArray([.. ends.Select(id => (JsonNode)id)]);
        }

        return root.ToJsonString(Options) + "\n";
    }
}

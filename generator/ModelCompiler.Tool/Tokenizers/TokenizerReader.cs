using System.Globalization;
using System.Text.Json;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Reads tokenizer.json, and what tokenizer_config.json adds to it.</summary>
internal static class TokenizerReader
{
    /// <summary>The file beside tokenizer.json.</summary>
    public const string ConfigName = "tokenizer_config.json";

    public static TokenizerDefinition Read(string tokenizerJson, string? tokenizerConfigJson, int leastVocabulary)
    {
        TokenizerNode root = TokenizerNode.Parse(tokenizerJson, "tokenizer.json", out JsonDocument document);
        using JsonDocument keep = document;
        TokenizerNode model = root["model"];
        ModelReader.CheckOptions(model);
        Dictionary<string, int> vocabulary = ModelReader.ReadVocabulary(model["vocab"]);
        List<AddedTokenDefinition> added = ReadAddedTokens(root["added_tokens"], vocabulary);
        List<int> prefix = [];
        List<int> suffix = [];
        PostProcessorReader.Read(root["post_processor"], prefix, suffix);
        List<StepDefinition> preTokenizers = PreTokenizerReader.Read(root["pre_tokenizer"], out bool byteLevel);
        var definition = new TokenizerDefinition
        {
            Vocabulary = vocabulary,
            Merges = ModelReader.ReadMerges(model["merges"], vocabulary),
            AddedTokens = added,
            Normalizers = NormalizerReader.Read(root["normalizer"]),
            PreTokenizers = preTokenizers,
            Decoders = DecoderReader.Read(root["decoder"], byteLevel),
            Prefix = prefix,
            Suffix = suffix,
            ByteLevel = byteLevel,
            ByteFallback = model["byte_fallback"].Flag(false),
            FuseUnknown = model["fuse_unk"].Flag(false),
            IgnoreMerges = model["ignore_merges"].Flag(false),
            UnknownId = model["unk_token"].IsNull ? -1 : FindToken(model["unk_token"], vocabulary, added),
            LeastVocabulary = leastVocabulary,
        };
        try
        {
            return tokenizerConfigJson is null ? definition : AddConfig(definition, tokenizerConfigJson);
        }
        catch (TokenizerFileException fault)
        {
            fault.InConfig = true;
            throw;
        }
    }

    private static List<AddedTokenDefinition> ReadAddedTokens(TokenizerNode tokens, Dictionary<string, int> vocabulary)
    {
        var added = new List<AddedTokenDefinition>();
        var ids = new Dictionary<int, string>();
        foreach ((string text, int id) in vocabulary)
        {
            ids.Add(id, text);
        }

        foreach (TokenizerNode token in tokens.Items())
        {
            Add(ReadAddedToken(token, ModelReader.CheckId(token["id"])), token, added, vocabulary, ids);
        }

        return added;
    }

    private static AddedTokenDefinition ReadAddedToken(TokenizerNode token, int id)
    {
        AddedTokenFlags flags = (token["lstrip"].Flag(false) ? AddedTokenFlags.StripLeft : 0)
            | (token["rstrip"].Flag(false) ? AddedTokenFlags.StripRight : 0)
            | (token["single_word"].Flag(false) ? AddedTokenFlags.SingleWord : 0);
        bool special = token["special"].Flag(false);
        return new AddedTokenDefinition(id, token["content"].Text(), flags, token["normalized"].Flag(!special), special);
    }

    /// <summary>Adds a token unless it is there already; the model's own id for its text goes before the one in the list.</summary>
    private static void Add(
        AddedTokenDefinition token, TokenizerNode where, List<AddedTokenDefinition> added, IReadOnlyDictionary<string, int> vocabulary, Dictionary<int, string> ids)
    {
        int id = vocabulary.TryGetValue(token.Content, out int known) ? known : token.Id;
        if (added.Exists(other => other.Id == id && other.Content == token.Content))
        {
            return;
        }

        if (!ids.TryAdd(id, token.Content) && ids[id] != token.Content)
        {
            throw new TokenizerFileException(where.Path, $"found the added token '{token.Content}' with id {id}, expected an id of its own: {id} is that of '{ids[id]}' already");
        }

        added.Add(token with { Id = id });
    }

    private static TokenizerDefinition AddConfig(TokenizerDefinition definition, string tokenizerConfigJson)
    {
        TokenizerNode config = TokenizerNode.Parse(tokenizerConfigJson, ConfigName, out JsonDocument document);
        using JsonDocument keep = document;
        var added = definition.AddedTokens.ToList();
        Dictionary<int, string> ids = definition.Vocabulary.ToDictionary(pair => pair.Value, pair => pair.Key);
        foreach (AddedTokenDefinition token in added)
        {
            ids[token.Id] = token.Content;
        }

        TokenizerNode more = config["added_tokens_decoder"];
        foreach ((string name, TokenizerNode token) in more.IsNull ? [] : more.Properties())
        {
            bool isId = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id <= ModelReader.LargestId;
            string content = token["content"].Text();
            if (!added.Exists(other => other.Content == content))
            {
                Add(ReadAddedToken(token, isId ? id : throw token.Wrong("an id as its name")), token, added, definition.Vocabulary, ids);
            }
        }

        return definition with
        {
            AddedTokens = added,
            BeginId = FindNamed(config["bos_token"]),
            EndId = FindNamed(config["eos_token"]),
        };

        int FindNamed(TokenizerNode name)
        {
            // Either a string or an added token with all its properties.
            TokenizerNode text = name.Element.ValueKind == JsonValueKind.Object ? name["content"] : name;
            return text.IsNull ? -1 : FindToken(text, definition.Vocabulary, added);
        }
    }

    private static int FindToken(TokenizerNode name, IReadOnlyDictionary<string, int> vocabulary, List<AddedTokenDefinition> added)
    {
        string text = name.Text();
        return vocabulary.TryGetValue(text, out int id) ? id
            : added.Find(token => token.Content == text)?.Id ?? throw name.Wrong("one of the tokens");
    }
}

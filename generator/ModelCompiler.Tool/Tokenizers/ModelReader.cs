namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Reads the vocabulary and the merges of a byte-pair model.</summary>
internal static class ModelReader
{
    /// <summary>Far more than any vocabulary; holes cost memory.</summary>
    public const int LargestId = 1 << 24;

    /// <summary>Refuses what changes the algorithm and is not supported.</summary>
    public static void CheckOptions(TokenizerNode model)
    {
        // Old files have no type.
        if (!model["type"].IsNull && model.Type != "BPE")
        {
            throw model["type"].Wrong("BPE");
        }

        foreach (string name in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            TokenizerNode value = model[name];
            if (!value.IsNull && value.Text().Length > 0)
            {
                throw value.Wrong("null or an empty string: affixes of subwords are not supported");
            }
        }

        TokenizerNode dropout = model["dropout"];
        if (!dropout.IsNull && !(dropout.Element.ValueKind == System.Text.Json.JsonValueKind.Number && dropout.Element.GetDouble() == 0))
        {
            throw dropout.Wrong("null or 0: dropout makes tokens random");
        }
    }

    /// <summary>Tokens by text. Two tokens with one id are refused; ids without a token are holes.</summary>
    public static Dictionary<string, int> ReadVocabulary(TokenizerNode vocabulary)
    {
        var tokens = new Dictionary<string, int>(StringComparer.Ordinal);
        var owners = new Dictionary<int, string>();
        foreach ((string text, TokenizerNode value) in vocabulary.Properties())
        {
            int id = CheckId(value);
            if (!owners.TryAdd(id, text))
            {
                throw value.Wrong($"an id of its own: {id} is that of '{owners[id]}' already");
            }

            if (!tokens.TryAdd(text, id))
            {
                throw value.Wrong($"each token once: this one has id {tokens[text]} already");
            }
        }

        return tokens.Count > 0 ? tokens : throw vocabulary.Wrong("at least one token");
    }

    /// <summary>An id within bounds.</summary>
    public static int CheckId(TokenizerNode value)
    {
        int id = value.Number();
        return id <= LargestId ? id : throw value.Wrong($"an id of at most {LargestId}");
    }

    /// <summary>Merges in order of rank, written as "a b" or as ["a", "b"].</summary>
    public static List<MergeDefinition> ReadMerges(TokenizerNode merges, IReadOnlyDictionary<string, int> vocabulary)
    {
        var read = new List<MergeDefinition>();
        foreach (TokenizerNode merge in merges.Items())
        {
            (string left, string right) = ReadPair(merge);
            read.Add(new MergeDefinition(Find(left), Find(right), Find(left + right)));

            int Find(string token) => vocabulary.TryGetValue(token, out int id)
                ? id
                : throw new TokenizerFileException(merge.Path, $"found a merge of '{left}' and '{right}', expected '{token}' in the vocabulary");
        }

        return read;
    }

    private static (string Left, string Right) ReadPair(TokenizerNode merge)
    {
        if (merge.Element.ValueKind == System.Text.Json.JsonValueKind.Array)
        {
            TokenizerNode[] sides = [.. merge.Items()];
            return sides.Length == 2 ? (sides[0].Text(), sides[1].Text()) : throw merge.Wrong("two tokens");
        }

        string[] parts = merge.Text().Split(' ');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw merge.Wrong("two tokens with one space between");
    }
}

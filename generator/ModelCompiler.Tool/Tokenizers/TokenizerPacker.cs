using System.Text;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Packs a published tokenizer at build time, so that loading parses nothing.</summary>
public static class TokenizerPacker
{
    /// <summary>
    /// Packs a tokenizer: the bytes that <see cref="Tokenizer"/> opens. The same files give the same bytes on any machine.
    /// </summary>
    /// <param name="tokenizerJson">tokenizer.json as published: a byte-pair model, byte-level or with byte fallback.</param>
    /// <param name="tokenizerConfigJson">tokenizer_config.json, for the tokens that begin and end a text and for added tokens that only it names.</param>
    /// <param name="leastVocabulary">The model's number of rows: ids that the tokenizer lacks up to there are holes, which decode to nothing.</param>
    /// <exception cref="TokenizerFileException">A file is broken or asks for something that is not supported; the message says where and what is.</exception>
    public static byte[] Pack(string tokenizerJson, string? tokenizerConfigJson = null, int leastVocabulary = 0)
    {
        TokenizerDefinition definition = TokenizerReader.Read(tokenizerJson, tokenizerConfigJson, leastVocabulary);

        // The tokenizer itself says how the patterns of added tokens are normalised and which tokens may be looked up whole.
        var plain = new Tokenizer(new PackedTokenizerWriter(definition).Write([], []));
        PackedAddedToken[] raw = [.. definition.AddedTokens.Where(token => !token.Normalized).Select(token => Pattern(token, null))];
        PackedAddedToken[] normalized = [.. definition.AddedTokens.Where(token => token.Normalized).Select(token => Pattern(token, plain))];
        byte[] packed = new PackedTokenizerWriter(definition).Write(raw, normalized);
        MarkDirect(packed, definition);
        return packed;
    }

    private static PackedAddedToken Pattern(AddedTokenDefinition token, Tokenizer? normalizer)
    {
        byte[] pattern = Encoding.UTF8.GetBytes(token.Content);
        return new PackedAddedToken(token, normalizer?.Normalize(pattern) ?? pattern);
    }

    private static void MarkDirect(byte[] packed, TokenizerDefinition definition)
    {
        var tokenizer = new Tokenizer(packed);
        var workspace = new EncodeWorkspace();
        int flags = PackedTokenizerWriter.SectionOffset(packed, PackedSection.TokenFlags);
        foreach (int id in definition.Vocabulary.Values)
        {
            if (definition.IgnoreMerges || tokenizer.MergesToItself(id, workspace))
            {
                packed[flags + id] |= (byte)TokenFlags.Direct;
            }
        }
    }
}

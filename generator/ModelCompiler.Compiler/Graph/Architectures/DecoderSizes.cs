using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>The sizes of a decoder, each with its line of the config, bounded before anything is computed from them.</summary>
internal sealed record DecoderSizes(
    Size Dim, Size HiddenDim, Size Layers, Size Heads, Size KvHeads, Size HeadDim, Size Vocab, Size ContextLength)
{
    public const int MostLayers = 1024;
    public const int MostHeads = 1024;
    public const int LargestHeadDim = 1024;
    public const int LargestDim = 1 << 16;
    public const int LargestHiddenDim = 1 << 20;
    public const int LargestVocab = 1 << 24;
    public const int LongestContext = 1 << 27;

    /// <summary>
    /// Reads the names that most families use. <paramref name="contextLength"/> and <paramref name="headDim"/> are
    /// what the transformers library takes where the config does not say; without <paramref name="headDim"/> heads share the width.
    /// </summary>
    public static DecoderSizes Read(ConfigReader config, int contextLength, int? headDim = null)
    {
        Size dim = config.Size("hidden_size", 1, LargestDim);
        Size heads = config.Size("num_attention_heads", 1, MostHeads);
        Size kvHeads = config.Size("num_key_value_heads", 1, MostHeads, heads);
        return new DecoderSizes(
            dim,
            config.Size("intermediate_size", 1, LargestHiddenDim),
            config.Size("num_hidden_layers", 1, MostLayers),
            heads,
            CheckedKvHeads(config, heads, kvHeads),
            headDim is { } otherwise
                ? config.Size("head_dim", 1, LargestHeadDim, otherwise)
                : config.Size("head_dim", 1, LargestHeadDim, SharedHeadDim(config, dim, heads)),
            config.Size("vocab_size", 1, LargestVocab),
            config.Size("max_position_embeddings", 1, LongestContext, contextLength));
    }

    /// <summary>dim / heads; <c>MC007</c> where that leaves a remainder.</summary>
    public static Size SharedHeadDim(ConfigReader config, Size dim, Size heads)
    {
        if (!config.Failed && !config.Has("head_dim") && dim % heads != 0)
        {
            config.Report(
                Catalogue.InconsistentSizes, heads.Name, $"a divisor of {dim}",
                "Correct one of the two, or give the size of a head.", $"{heads}, and {dim}");
        }

        return dim / heads;
    }

    /// <summary>
    /// The sizes and special tokens for the graph. Tokens that the config does not name are the family's usual ones, where
    /// the vocabulary has them.
    /// </summary>
    public Dimensions ToDimensions(ConfigReader config, int usualBegin = -1, int usualEnd = -1)
    {
        EquatableArray<int> Usual(int token) => token >= 0 && token < Vocab ? new([token]) : default;
        int bound = config.Failed ? LargestVocab : Vocab; // a vocabulary that was reported is not held against the tokens
        EquatableArray<int> Tokens(string key, int usual)
            => config.Integers(key, 0, bound - 1, config.Mentions(key) ? default : Usual(usual));

        EquatableArray<int> begin = Tokens("bos_token_id", usualBegin);
        return new Dimensions(
            Dim, HiddenDim, Layers, Heads, KvHeads, HeadDim, Vocab, ContextLength,
            begin.Count > 0 ? begin[0] : -1, Tokens("eos_token_id", usualEnd));
    }

    private static Size CheckedKvHeads(ConfigReader config, Size heads, Size kvHeads)
    {
        if (!config.Failed && heads % kvHeads != 0)
        {
            config.Report(
                Catalogue.InconsistentSizes, kvHeads.Name, $"a divisor of {heads}",
                "Each key/value head serves the same number of query heads: correct one of the two.", $"{kvHeads}, and {heads}");
        }

        return kvHeads;
    }
}

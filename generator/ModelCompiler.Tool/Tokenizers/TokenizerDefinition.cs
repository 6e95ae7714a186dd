using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>A tokenizer.json, read and checked.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Tokens of the model by text.</summary>
    public required IReadOnlyDictionary<string, int> Vocabulary { get; init; }

    /// <summary>Merges in order of rank.</summary>
    public required IReadOnlyList<MergeDefinition> Merges { get; init; }

    public required IReadOnlyList<AddedTokenDefinition> AddedTokens { get; init; }

    public required IReadOnlyList<StepDefinition> Normalizers { get; init; }

    public required IReadOnlyList<StepDefinition> PreTokenizers { get; init; }

    public required IReadOnlyList<StepDefinition> Decoders { get; init; }

    /// <summary>Special tokens before and after a text.</summary>
    public required IReadOnlyList<int> Prefix { get; init; }

    public required IReadOnlyList<int> Suffix { get; init; }

    public required bool ByteLevel { get; init; }

    public required bool ByteFallback { get; init; }

    public required bool FuseUnknown { get; init; }

    /// <summary>A piece that is a token is that token, whatever the merges say.</summary>
    public required bool IgnoreMerges { get; init; }

    public int UnknownId { get; init; } = -1;

    public int BeginId { get; init; } = -1;

    public int EndId { get; init; } = -1;

    /// <summary>The vocabulary is at least this large: a model may have more rows than its tokenizer has tokens.</summary>
    public int LeastVocabulary { get; init; }

    public bool DecodesBytes => !ByteLevel && (ByteFallback || Decoders.Any(step => step.Code == (int)DecoderCode.ByteFallback));
}

/// <summary>Two tokens that merge into a third.</summary>
internal readonly record struct MergeDefinition(int Left, int Right, int Merged);

/// <summary>A token that is found in the text before anything else.</summary>
internal sealed record AddedTokenDefinition(int Id, string Content, AddedTokenFlags Flags, bool Normalized, bool Special);

/// <summary>A step of a pipeline, as <see cref="StepRecord"/> has it.</summary>
internal sealed record StepDefinition(int Code, int Argument, byte[] First, byte[] Second)
{
    public StepDefinition(int code, int argument = 0, string first = "", string second = "")
        : this(code, argument, System.Text.Encoding.UTF8.GetBytes(first), System.Text.Encoding.UTF8.GetBytes(second))
    {
    }
}

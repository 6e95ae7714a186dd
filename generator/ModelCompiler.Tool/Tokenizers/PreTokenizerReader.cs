using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Reads the pre-tokenizers.</summary>
internal static class PreTokenizerReader
{
    private const string Supported = "one of Sequence, ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, CharDelimiterSplit, Metaspace";

    /// <summary>The published patterns that have a scanner of their own.</summary>
    private static readonly Dictionary<string, SplitPattern> Published = new(StringComparer.Ordinal)
    {
        [@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"] = SplitPattern.Gpt2,
        [@"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"] = SplitPattern.Gpt2,
        [@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"] = SplitPattern.Llama3,
        [@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"] = SplitPattern.Qwen2,
    };

    /// <summary>Reads the steps, and whether text ends as bytes.</summary>
    public static List<StepDefinition> Read(TokenizerNode preTokenizer, out bool byteLevel)
    {
        var steps = new List<StepDefinition>();
        byteLevel = false;
        Append(preTokenizer, steps, ref byteLevel);
        return steps;
    }

    private static void Append(TokenizerNode node, List<StepDefinition> steps, ref bool byteLevel)
    {
        if (node.IsNull)
        {
            return;
        }

        if (node.Type == "Sequence")
        {
            foreach (TokenizerNode part in node["pretokenizers"].Items())
            {
                Append(part, steps, ref byteLevel);
            }

            return;
        }

        if (byteLevel)
        {
            throw new TokenizerFileException(node.Path, $"found {node.Type} after ByteLevel, expected ByteLevel as the last pre-tokenizer");
        }

        if (node.Type == "ByteLevel")
        {
            byteLevel = true;
            AppendByteLevel(node, steps);
        }
        else
        {
            steps.Add(ReadStep(node));
        }
    }

    private static void AppendByteLevel(TokenizerNode node, List<StepDefinition> steps)
    {
        if (node["add_prefix_space"].Flag(true))
        {
            steps.Add(new StepDefinition((int)PreTokenizerCode.PrefixSpace));
        }

        if (node["use_regex"].Flag(true))
        {
            steps.Add(Split(SplitPattern.Gpt2, SplitBehaviour.Isolated));
        }
    }

    private static StepDefinition ReadStep(TokenizerNode node) => node.Type switch
    {
        "Split" => ReadSplit(node),
        "Digits" => Split(SplitPattern.Number, node["individual_digits"].Flag(false) ? SplitBehaviour.Isolated : SplitBehaviour.Contiguous),
        "Punctuation" => Split(SplitPattern.Punctuation, node["behavior"].IsNull ? SplitBehaviour.Isolated : ReadBehaviour(node["behavior"])),
        "Whitespace" => Split(SplitPattern.WordOrSymbols, SplitBehaviour.Removed, inverted: true),
        "WhitespaceSplit" => Split(SplitPattern.WhiteSpace, SplitBehaviour.Removed),
        "CharDelimiterSplit" => Split(SplitPattern.Literal, SplitBehaviour.Removed, first: node["delimiter"].Text()),
        "Metaspace" => ReadMetaspace(node),
        _ => throw node["type"].Wrong(Supported),
    };

    private static StepDefinition ReadSplit(TokenizerNode node)
    {
        (string pattern, bool isRegex) = PatternReader.Read(node["pattern"]);
        SplitBehaviour behaviour = ReadBehaviour(node["behavior"]);
        bool inverted = node["invert"].Flag(false);
        if (!isRegex || PatternReader.IsLiteral(pattern))
        {
            return Split(SplitPattern.Literal, behaviour, inverted, isRegex ? PatternReader.Unescape(pattern) : pattern);
        }

        if (Published.TryGetValue(pattern, out SplitPattern published))
        {
            return Split(published, behaviour, inverted);
        }

        StepDefinition step = Split(SplitPattern.Program, behaviour, inverted);
        return step with { First = PatternCompiler.Compile(pattern, node["pattern"].Path) };
    }

    private static SplitBehaviour ReadBehaviour(TokenizerNode node) => node.Text() switch
    {
        "Removed" => SplitBehaviour.Removed,
        "Isolated" => SplitBehaviour.Isolated,
        "MergedWithPrevious" => SplitBehaviour.MergedWithPrevious,
        "MergedWithNext" => SplitBehaviour.MergedWithNext,
        "Contiguous" => SplitBehaviour.Contiguous,
        _ => throw node.Wrong("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous"),
    };

    private static StepDefinition ReadMetaspace(TokenizerNode node)
    {
        PrependScheme scheme = ReadPrependScheme(node);
        int argument = (int)scheme | (node["split"].Flag(true) ? 0x100 : 0);
        return new StepDefinition((int)PreTokenizerCode.Metaspace, argument, ReadReplacement(node));
    }

    /// <summary>The character that stands for a space.</summary>
    public static string ReadReplacement(TokenizerNode node)
    {
        string replacement = node["replacement"].Text();
        return replacement.Length is 1 or 2 && replacement.EnumerateRunes().Count() == 1
            ? replacement
            : throw node["replacement"].Wrong("one character");
    }

    /// <summary>Older files say add_prefix_space instead of prepend_scheme.</summary>
    public static PrependScheme ReadPrependScheme(TokenizerNode node)
    {
        TokenizerNode scheme = node["prepend_scheme"];
        if (scheme.IsNull)
        {
            return node["add_prefix_space"].Flag(true) ? PrependScheme.Always : PrependScheme.Never;
        }

        return scheme.Text() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            _ => throw scheme.Wrong("always, first or never"),
        };
    }

    private static StepDefinition Split(SplitPattern pattern, SplitBehaviour behaviour, bool inverted = false, string first = "")
    {
        int argument = (int)pattern | ((int)behaviour << 8) | (inverted ? 0x10000 : 0);
        return new StepDefinition((int)PreTokenizerCode.Split, argument, first);
    }
}

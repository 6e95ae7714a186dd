using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Reads the decoder.</summary>
internal static class DecoderReader
{
    private const string Supported = "one of Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace";

    public static List<StepDefinition> Read(TokenizerNode decoder, bool byteLevel)
    {
        var steps = new List<StepDefinition>();
        Append(decoder, steps);
        bool decodesBytes = steps.Any(step => step.Code == (int)DecoderCode.ByteLevel);
        if (decodesBytes != byteLevel)
        {
            throw new TokenizerFileException(
                "decoder",
                byteLevel ? "found no ByteLevel, expected it: the pre-tokenizer is ByteLevel" : "found ByteLevel, expected none: the pre-tokenizer is not ByteLevel");
        }

        return byteLevel && steps.Exists(step => step.Code is not ((int)DecoderCode.ByteLevel or (int)DecoderCode.Fuse))
            ? throw new TokenizerFileException("decoder", "found other steps beside ByteLevel, expected ByteLevel alone")
            : steps;
    }

    private static void Append(TokenizerNode node, List<StepDefinition> steps)
    {
        if (node.IsNull)
        {
            return;
        }

        bool fused = steps.Exists(step => step.Code == (int)DecoderCode.Fuse);
        switch (node.Type)
        {
            case "Sequence":
                foreach (TokenizerNode part in node["decoders"].Items())
                {
                    Append(part, steps);
                }

                break;
            case "ByteLevel" when !fused:
                steps.Add(new StepDefinition((int)DecoderCode.ByteLevel));
                break;
            case "ByteFallback" when !fused:
                steps.Add(new StepDefinition((int)DecoderCode.ByteFallback));
                break;
            case "Fuse":
                steps.Add(new StepDefinition((int)DecoderCode.Fuse));
                break;
            case "Strip":
                steps.Add(ReadStrip(node, fused));
                break;
            case "Replace" when !fused:
                steps.Add(ReadReplace(node));
                break;
            case "Metaspace" when !fused:
                int dropsFirst = PreTokenizerReader.ReadPrependScheme(node) == PrependScheme.Never ? 0 : 1;
                steps.Add(new StepDefinition((int)DecoderCode.Metaspace, dropsFirst, PreTokenizerReader.ReadReplacement(node)));
                break;
            case "ByteLevel" or "ByteFallback" or "Replace" or "Metaspace":
                throw new TokenizerFileException(node.Path, $"found {node.Type} after Fuse, expected Strip only");
            default:
                throw node["type"].Wrong(Supported);
        }
    }

    private static StepDefinition ReadStrip(TokenizerNode node, bool fused)
    {
        string content = node["content"].Text();
        int start = node["start"].Number();
        int stop = node["stop"].Number();
        if (start > 0x7FFF || stop > 0x7FFF || content.Length == 0)
        {
            throw node.Wrong("a character, and at most 32767 of it to cut on each side");
        }

        // The end of a text is not known while it streams.
        return fused && (stop != 0 || content.Length != 1 || content[0] >= 0x80)
            ? throw node.Wrong("after Fuse, an ASCII character that is cut at the start only")
            : new StepDefinition((int)DecoderCode.Strip, start | (stop << 16), content);
    }

    private static StepDefinition ReadReplace(TokenizerNode node)
    {
        (string pattern, bool isRegex) = PatternReader.Read(node["pattern"]);
        return isRegex && !PatternReader.IsLiteral(pattern)
            ? throw node["pattern"].Wrong("a string")
            : new StepDefinition((int)DecoderCode.Replace, 0, isRegex ? PatternReader.Unescape(pattern) : pattern, node["content"].Text());
    }
}

using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Reads the normalizers.</summary>
internal static class NormalizerReader
{
    private const string Supported = "one of Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents";

    public static List<StepDefinition> Read(TokenizerNode normalizer)
    {
        var steps = new List<StepDefinition>();
        Append(normalizer, steps);
        return steps;
    }

    private static void Append(TokenizerNode node, List<StepDefinition> steps)
    {
        if (node.IsNull)
        {
            return;
        }

        switch (node.Type)
        {
            case "Sequence":
                foreach (TokenizerNode part in node["normalizers"].Items())
                {
                    Append(part, steps);
                }

                break;
            case "Prepend":
                steps.Add(new StepDefinition((int)NormalizerCode.Prepend, first: node["prepend"].Text()));
                break;
            case "Replace":
                steps.Add(ReadReplace(node));
                break;
            case "Strip":
                int sides = (node["strip_left"].Flag(true) ? 1 : 0) | (node["strip_right"].Flag(true) ? 2 : 0);
                steps.Add(new StepDefinition((int)NormalizerCode.Strip, sides));
                break;
            case "NFC" or "NFD" or "NFKC" or "NFKD":
                byte[] tables = UnicodeTables.Pack(compatible: node.Type.Contains('K'), composes: node.Type.EndsWith('C'));
                steps.Add(new StepDefinition((int)NormalizerCode.UnicodeForm, 0, tables, []));
                break;
            default:
                steps.Add(new StepDefinition((int)ReadSimple(node)));
                break;
        }
    }

    private static NormalizerCode ReadSimple(TokenizerNode node) => node.Type switch
    {
        "Lowercase" => NormalizerCode.Lowercase,
        "StripAccents" => NormalizerCode.StripAccents,
        _ => throw node["type"].Wrong(Supported),
    };

    private static StepDefinition ReadReplace(TokenizerNode node)
    {
        (string pattern, bool isRegex) = PatternReader.Read(node["pattern"]);
        string content = node["content"].Text();
        if (!isRegex || PatternReader.IsLiteral(pattern))
        {
            return new StepDefinition((int)NormalizerCode.Replace, 0, isRegex ? PatternReader.Unescape(pattern) : pattern, content);
        }

        return PatternReader.TryReadRun(pattern, out string unit, out int least)
            ? new StepDefinition((int)NormalizerCode.ReplaceRun, least, unit, content)
            : throw node["pattern"].Wrong("a string, or the pattern of a string or of a repeated character, such as ' {2,}' or '\\n+'");
    }
}

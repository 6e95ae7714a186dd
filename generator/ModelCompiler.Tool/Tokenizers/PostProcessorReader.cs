namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Reads which special tokens the post-processor puts around a text.</summary>
internal static class PostProcessorReader
{
    private const string Supported = "one of Sequence, TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing";

    public static void Read(TokenizerNode node, List<int> prefix, List<int> suffix)
    {
        if (node.IsNull)
        {
            return;
        }

        switch (node.Type)
        {
            case "Sequence":
                foreach (TokenizerNode part in node["processors"].Items())
                {
                    Read(part, prefix, suffix);
                }

                break;
            case "ByteLevel":
                // Changes offsets only, which nobody asks for here.
                break;
            case "TemplateProcessing":
                ReadTemplate(node, prefix, suffix);
                break;
            case "BertProcessing" or "RobertaProcessing":
                prefix.Insert(0, ReadNamed(node["cls"]));
                suffix.Add(ReadNamed(node["sep"]));
                break;
            default:
                throw node["type"].Wrong(Supported);
        }
    }

    private static void ReadTemplate(TokenizerNode node, List<int> prefix, List<int> suffix)
    {
        var before = new List<int>();
        bool textSeen = false;
        foreach (TokenizerNode item in node["single"].Items())
        {
            TokenizerNode special = item["SpecialToken"];
            if (special.IsNull)
            {
                textSeen = !textSeen && item["Sequence"]["id"].Text() == "A" ? true : throw item.Wrong("the text A once");
                continue;
            }

            TokenizerNode named = node["special_tokens"][special["id"].Text()];
            foreach (TokenizerNode id in named["ids"].Items())
            {
                (textSeen ? suffix : before).Add(ModelReader.CheckId(id));
            }
        }

        if (!textSeen)
        {
            throw node["single"].Wrong("the text A once");
        }

        prefix.InsertRange(0, before);
    }

    /// <summary>A pair ["text", id].</summary>
    private static int ReadNamed(TokenizerNode pair)
    {
        TokenizerNode[] parts = [.. pair.Items()];
        return parts.Length == 2 ? ModelReader.CheckId(parts[1]) : throw pair.Wrong("a pair of text and id");
    }
}

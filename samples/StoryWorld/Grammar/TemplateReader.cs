using System.Text;

namespace StoryWorld.Grammar;

/// <summary>Reads the text of a template: <c>{variable.form}</c>, <c>(one|another)</c>, <c>(1:one|another)</c>, <c>[present/past]</c>, <c>&lt;phrase&gt;</c>, all else as it stands.</summary>
public sealed class TemplateReader
{
    private readonly string text;
    private int position;

    private TemplateReader(string text) => this.text = text;

    /// <exception cref="FormatException">A bracket that does not close, or closes nothing.</exception>
    public static Template Read(string text)
    {
        TemplateReader reader = new(text);
        Template template = reader.ReadUntil("");
        return reader.position == text.Length ? template : throw new FormatException($"'{text[reader.position]}' closes nothing in \"{text}\"");
    }

    private Template ReadUntil(string ends)
    {
        List<Piece> pieces = [];
        StringBuilder literal = new();
        while (position < text.Length && !ends.Contains(text[position]) && !")]}>".Contains(text[position]))
        {
            Piece? piece = text[position] switch
            {
                '{' => ReadSlot(Enclosed('}')),
                '<' => new Nested(Enclosed('>')),
                '(' => ReadOneOf(),
                '[' => ReadTensed(),
                _ => null,
            };
            if (piece is null)
            {
                literal.Append(text[position++]);
                continue;
            }

            AddLiteral();
            pieces.Add(piece);
        }

        AddLiteral();
        return new(pieces);

        void AddLiteral()
        {
            if (literal.Length > 0)
            {
                pieces.Add(new Literal(literal.ToString()));
                literal.Clear();
            }
        }
    }

    private static Slot ReadSlot(string inside)
        => inside.Split('.') is [string variable, string form] ? new(variable, form) : new(inside, null);

    private OneOf ReadOneOf()
    {
        char? number = position + 2 < text.Length && char.IsAsciiDigit(text[position + 1]) && text[position + 2] == ':' ? text[position + 1] : null;
        position += number is null ? 0 : 2;
        return new(ReadParts('|', ')'), number);
    }

    private Tensed ReadTensed()
        => ReadParts('/', ']') is [Template present, Template past] ? new(present, past) : throw new FormatException($"[present/past] needs two parts in \"{text}\"");

    private List<Template> ReadParts(char separator, char close)
    {
        List<Template> parts = [];
        do
        {
            position++;
            parts.Add(ReadUntil($"{separator}{close}"));
        }
        while (position < text.Length && text[position] == separator);
        Close(close);
        return parts;
    }

    private string Enclosed(char close)
    {
        int begin = ++position;
        position = text.IndexOf(close, begin) is >= 0 and int end ? end : text.Length;
        Close(close);
        return text[begin..(position - 1)];
    }

    private void Close(char close)
    {
        if (position >= text.Length || text[position] != close)
        {
            throw new FormatException($"no '{close}' in \"{text}\"");
        }

        position++;
    }
}

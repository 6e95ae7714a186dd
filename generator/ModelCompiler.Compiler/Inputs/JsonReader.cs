using System.Globalization;
using System.Text;
using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// Strict JSON (RFC 8259) with the place of every value: no comments, no trailing commas, no NaN, no lone surrogates, no
/// key twice, at most <see cref="DeepestNesting"/> levels. Our own, because an analyzer for the C# compiler must not bring
/// System.Text.Json along, and because that reader does not tell where a value was.
/// </summary>
public sealed class JsonReader
{
    /// <summary>Levels of arrays and objects inside each other.</summary>
    public const int DeepestNesting = 64;

    private readonly string file;
    private readonly string text;
    private readonly StringBuilder unescaped = new();
    private int position;
    private int line = 1;
    private int lineStart;

    private JsonReader(TextFile source)
    {
        file = source.Path;
        text = source.Text;
    }

    private int Column => position - lineStart + 1;

    private SourceSpan Here => new(file, line, Column);

    /// <summary>Reads a whole file. Null after reporting <c>MC001</c> or <c>MC002</c>.</summary>
    public static JsonValue? Read(TextFile source, ICollection<ModelDiagnostic> diagnostics)
    {
        try
        {
            return new JsonReader(source).ReadFile();
        }
        catch (ModelException exception)
        {
            diagnostics.Add(exception.Diagnostic);
            return null;
        }
    }

    private JsonValue ReadFile()
    {
        if (text.Length > 0 && text[0] == '\uFEFF')
        {
            position = lineStart = 1;
        }

        JsonValue value = ReadValue(0);
        SkipSpace();
        return position == text.Length ? value : throw Unexpected("the end of the file");
    }

    private JsonValue ReadValue(int depth)
    {
        SkipSpace();
        int startLine = line;
        int column = Column;
        char first = position < text.Length ? text[position] : '\0';
        switch (first)
        {
            case '{' or '[':
                if (depth == DeepestNesting)
                {
                    throw Broken($"more than {DeepestNesting} levels of nesting", $"at most {DeepestNesting}");
                }

                position++;
                return first == '{'
                    ? JsonValue.Object(startLine, column, ReadMembers(depth + 1))
                    : JsonValue.Array(startLine, column, ReadItems(depth + 1));
            case '"':
                return JsonValue.Scalar(JsonKind.String, startLine, column, ReadString());
            case 't':
                return ReadWord("true", JsonKind.Boolean);
            case 'f':
                return ReadWord("false", JsonKind.Boolean);
            case 'n':
                return ReadWord("null", JsonKind.Null);
            case '-' or (>= '0' and <= '9'):
                return JsonValue.Scalar(JsonKind.Number, startLine, column, ReadNumber());
            default:
                throw Unexpected("a value");
        }
    }

    private JsonMember[] ReadMembers(int depth)
    {
        List<JsonMember> members = [];
        HashSet<string>? names = null;
        SkipSpace();
        if (TryTake('}'))
        {
            return [];
        }

        while (true)
        {
            SkipSpace();
            SourceSpan where = Here;
            if (position == text.Length || text[position] != '"')
            {
                throw Unexpected("a property name in double quotes");
            }

            string name = ReadString();
            if (!IsNew(members, name, ref names))
            {
                throw new ModelException(Catalogue.DuplicateKey.Create(
                    where, "JSON", DiagnosticReporting.Quote(name) + " a second time", "each key once in an object",
                    "Remove one of the two."));
            }

            SkipSpace();
            Take(':', "':' after the property name");
            members.Add(new JsonMember(name, where.Line, where.Column, ReadValue(depth)));
            SkipSpace();
            if (TryTake('}'))
            {
                return [.. members];
            }

            Take(',', "',' or '}'");
        }
    }

    // Most objects are small: a set is made only for those that are not.
    private static bool IsNew(List<JsonMember> members, string name, ref HashSet<string>? names)
    {
        const int LinearSearchLimit = 8;
        if (names is null && members.Count < LinearSearchLimit)
        {
            foreach (JsonMember member in members)
            {
                if (member.Name == name)
                {
                    return false;
                }
            }

            return true;
        }

        names ??= new HashSet<string>(members.Select(member => member.Name), StringComparer.Ordinal);
        return names.Add(name);
    }

    private JsonValue[] ReadItems(int depth)
    {
        SkipSpace();
        if (TryTake(']'))
        {
            return [];
        }

        List<JsonValue> items = [];
        while (true)
        {
            items.Add(ReadValue(depth));
            SkipSpace();
            if (TryTake(']'))
            {
                return [.. items];
            }

            Take(',', "',' or ']'");
        }
    }

    private JsonValue ReadWord(string word, JsonKind kind)
    {
        if (string.CompareOrdinal(text, position, word, 0, word.Length) != 0)
        {
            throw Unexpected("a value");
        }

        JsonValue value = JsonValue.Scalar(kind, line, Column, word);
        position += word.Length;
        return value;
    }

    private string ReadNumber()
    {
        int start = position;
        TryTake('-');
        if (!TryTake('0'))
        {
            TakeDigits();
        }

        if (TryTake('.'))
        {
            TakeDigits();
        }

        if (TryTake('e') || TryTake('E'))
        {
            _ = TryTake('+') || TryTake('-');
            TakeDigits();
        }

        return text.Substring(start, position - start);
    }

    private void TakeDigits()
    {
        int start = position;
        while (position < text.Length && text[position] is >= '0' and <= '9')
        {
            position++;
        }

        if (position == start)
        {
            throw Unexpected("a digit");
        }
    }

    private string ReadString()
    {
        int start = ++position;
        while (position < text.Length && text[position] is not ('"' or '\\') and >= ' ' and not (>= '\uD800' and <= '\uDFFF'))
        {
            position++;
        }

        if (position < text.Length && text[position] == '"')
        {
            return text.Substring(start, position++ - start);
        }

        unescaped.Clear().Append(text, start, position - start);
        while (true)
        {
            char c = position < text.Length ? text[position] : '\0';
            if (c == '"')
            {
                position++;
                return unescaped.ToString();
            }

            if (c < ' ')
            {
                throw Unexpected("the closing quote of a string (a line end or control character in it must be escaped)");
            }

            SourceSpan where = Here;
            char unit = c == '\\' ? ReadEscape() : text[position++];
            AppendUnit(unit, where);
        }
    }

    private void AppendUnit(char unit, SourceSpan where)
    {
        bool waiting = unescaped.Length > 0 && char.IsHighSurrogate(unescaped[unescaped.Length - 1]);
        bool endsHere = position == text.Length || text[position] == '"';
        if (waiting != char.IsLowSurrogate(unit) || (char.IsHighSurrogate(unit) && endsHere))
        {
            throw Broken("half of a surrogate pair", "whole characters", where);
        }

        unescaped.Append(unit);
    }

    private char ReadEscape()
    {
        position++;
        char c = position < text.Length ? text[position] : '\0';
        if (c == 'u')
        {
            position++;
            return ReadHex();
        }

        char unit = c switch
        {
            '"' or '\\' or '/' => c,
            'b' => '\b',
            'f' => '\f',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => throw Unexpected("one of \" \\ / b f n r t u after a backslash"),
        };
        position++;
        return unit;
    }

    private char ReadHex()
    {
        int unit = 0;
        for (int digit = 0; digit < 4; digit++, position++)
        {
            int value = position < text.Length ? HexValue(text[position]) : -1;
            unit = value >= 0 ? (unit << 4) | value : throw Unexpected("four hexadecimal digits");
        }

        return (char)unit;
    }

    private static int HexValue(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'a' and <= 'f' => c - 'a' + 10,
        >= 'A' and <= 'F' => c - 'A' + 10,
        _ => -1,
    };

    private void SkipSpace()
    {
        for (; position < text.Length; position++)
        {
            switch (text[position])
            {
                case '\n':
                    line++;
                    lineStart = position + 1;
                    break;
                case '\r':
                    // A lone carriage return ends a line too, as in editors and in the C# compiler.
                    if (position + 1 == text.Length || text[position + 1] != '\n')
                    {
                        line++;
                        lineStart = position + 1;
                    }

                    break;
                case ' ' or '\t':
                    break;
                default:
                    return;
            }
        }
    }

    private bool TryTake(char c)
    {
        if (position < text.Length && text[position] == c)
        {
            position++;
            return true;
        }

        return false;
    }

    private void Take(char c, string expected)
    {
        if (!TryTake(c))
        {
            throw Unexpected(expected);
        }
    }

    private ModelException Unexpected(string expected)
    {
        string found = position == text.Length
            ? "the end of the file"
            : DiagnosticReporting.Quote(text.Substring(position, Math.Min(TokenLength(), text.Length - position)));
        return Broken(found, expected);
    }

    // A word such as NaN is quoted whole, anything else by its one character.
    private int TokenLength()
    {
        int end = position;
        while (end < text.Length && end - position < 20 && char.IsLetterOrDigit(text[end]))
        {
            end++;
        }

        return Math.Max(1, end - position);
    }

    private ModelException Broken(string found, string expected, SourceSpan? where = null) => new(Catalogue.BrokenJson.Create(
        where ?? Here, "JSON", found, expected, "Correct the file, or download it again if it was cut short."));
}

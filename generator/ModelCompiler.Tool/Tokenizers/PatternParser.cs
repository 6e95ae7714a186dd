using System.Globalization;
using System.Text;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>
/// Parses the regular expressions that tokenizers are published with: characters, classes, Unicode categories, groups, alternatives, greedy
/// repetition, lookahead, (?i). All else is refused by name rather than guessed at.
/// </summary>
internal sealed class PatternParser
{
    private const int MostRepeats = 1000;
    private const int DeepestNesting = 32;

    private readonly string pattern;
    private readonly string path;
    private readonly int[] text;
    private int at;
    private bool ignoreCase;
    private int depth;

    private PatternParser(string pattern, string path)
    {
        this.pattern = pattern;
        this.path = path;
        text = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];
    }

    public static PatternNode Parse(string pattern, string path)
    {
        var parser = new PatternParser(pattern, path);
        if (parser.Take("(?i)"))
        {
            parser.ignoreCase = true;
        }

        PatternNode node = parser.ReadAlternatives();
        return parser.at == parser.text.Length ? node : throw parser.Refuse("a closing parenthesis without an opening one");
    }

    private PatternNode ReadAlternatives()
    {
        if (++depth > DeepestNesting)
        {
            throw Refuse("groups that are nested too deeply");
        }

        var choices = new List<PatternNode> { ReadSequence() };
        while (Take("|"))
        {
            choices.Add(ReadSequence());
        }

        depth--;
        return choices.Count == 1 ? choices[0] : new PatternAlternatives(choices);
    }

    private PatternSequence ReadSequence()
    {
        var parts = new List<PatternNode>();
        while (at < text.Length && text[at] is not ('|' or ')'))
        {
            PatternNode atom = ReadAtom();
            parts.Add(ReadRepeat(atom));
        }

        return new PatternSequence(parts);
    }

    private PatternNode ReadAtom()
    {
        int character = text[at++];
        return character switch
        {
            '(' => ReadGroup(),
            '[' => ReadClass(),
            '.' => new PatternClass([PatternClassMember.Single('\n')], Negated: true),
            '\\' => new PatternClass([ReadEscape()], Negated: false),
            '^' or '$' => throw Refuse("an anchor"),
            '*' or '+' or '?' or '{' => throw Refuse("a repetition of nothing"),
            _ => Letter(character),
        };
    }

    private PatternNode ReadGroup()
    {
        bool outer = ignoreCase;
        bool ahead = Take("?=");
        bool notAhead = !ahead && Take("?!");
        if (!ahead && !notAhead && !Take("?:"))
        {
            if (Take("?i:"))
            {
                ignoreCase = true;
            }
            else if (at < text.Length && text[at] == '?')
            {
                throw Refuse("a group of another kind than (…), (?:…), (?i:…), (?=…) and (?!…)");
            }
        }

        PatternNode body = ReadAlternatives();
        ignoreCase = outer;
        if (!Take(")"))
        {
            throw Refuse("an opening parenthesis without a closing one");
        }

        return ahead || notAhead ? new PatternLookahead(body, notAhead) : body;
    }

    private PatternNode ReadRepeat(PatternNode atom)
    {
        (int Least, int Most)? bounds = Take("?") ? (0, 1) : Take("*") ? (0, -1) : Take("+") ? (1, -1) : Take("{") ? ReadBounds() : null;
        if (bounds is not { } found)
        {
            return atom;
        }

        if (at < text.Length && text[at] is '?' or '+' or '*' or '{')
        {
            throw Refuse("a repetition that is not greedy, or of a repetition");
        }

        return atom is not PatternClass && found.Most != 1 && (atom.MayBeEmpty || (atom.IsUnbounded && found.Most < 0))
            ? throw Refuse("a repeated group that may be empty or that repeats without bound itself")
            : new PatternRepeat(atom, found.Least, found.Most);
    }

    private (int Least, int Most) ReadBounds()
    {
        int least = ReadNumber();
        int most = !Take(",") ? least : at < text.Length && text[at] == '}' ? -1 : ReadNumber();
        return Take("}") && (most < 0 || (most >= least && most > 0))
            ? (least, most)
            : throw Refuse("bounds of another form than {n}, {n,} and {n,m}");
    }

    private int ReadNumber()
    {
        int number = 0;
        int begin = at;
        while (at < text.Length && text[at] is >= '0' and <= '9' && number <= MostRepeats)
        {
            number = (number * 10) + text[at++] - '0';
        }

        return at > begin && number <= MostRepeats ? number : throw Refuse($"a bound that is not a number up to {MostRepeats}");
    }

    private PatternClass ReadClass()
    {
        if (++depth > DeepestNesting)
        {
            throw Refuse("classes that are nested too deeply");
        }

        bool negated = Take("^");
        var members = new List<PatternClassMember>();
        for (bool first = true; at >= text.Length || text[at] != ']' || first; first = false)
        {
            if (at >= text.Length)
            {
                throw Refuse("a character class that does not end");
            }

            if (Take("[:") || Take("&&"))
            {
                throw Refuse("a class with [:…:] or &&");
            }

            if (Take("["))
            {
                PatternClass nested = ReadClass();
                members.AddRange(nested.Negated ? throw Refuse("a negated class within a class") : nested.Members);
                continue;
            }

            members.Add(ReadMember());
        }

        at++;
        depth--;
        return ignoreCase && members.Exists(member => member.Kind == PatternMember.Range && member.First < 0x80 && member.Second >= 'A')
            ? throw Refuse("a class of letters within (?i)")
            : new PatternClass(members, negated);
    }

    private PatternClassMember ReadMember()
    {
        PatternClassMember member = Take("\\") ? ReadEscape() : PatternClassMember.Single(text[at++]);
        if (at + 1 >= text.Length || text[at] != '-' || text[at + 1] == ']')
        {
            return member;
        }

        at++;
        PatternClassMember last = Take("\\") ? ReadEscape() : PatternClassMember.Single(text[at++]);
        return member.Kind == PatternMember.Range && last.Kind == PatternMember.Range && last.Second >= member.First
            ? new PatternClassMember(PatternMember.Range, member.First, last.Second)
            : throw Refuse("a range that does not go from a character to a later one");
    }

    private PatternClassMember ReadEscape()
    {
        if (at >= text.Length)
        {
            throw Refuse("a backslash at its end");
        }

        int character = text[at++];
        return character switch
        {
            's' => new PatternClassMember(PatternMember.WhiteSpace),
            'S' => new PatternClassMember(PatternMember.WhiteSpace).Inverted(),
            'w' => new PatternClassMember(PatternMember.Word),
            'W' => new PatternClassMember(PatternMember.Word).Inverted(),
            'd' => PatternClassMember.Digits,
            'D' => PatternClassMember.Digits.Inverted(),
            'p' => ReadCategory(),
            'P' => ReadCategory().Inverted(),
            'n' => PatternClassMember.Single('\n'),
            'r' => PatternClassMember.Single('\r'),
            't' => PatternClassMember.Single('\t'),
            'f' => PatternClassMember.Single('\f'),
            'v' => PatternClassMember.Single('\v'),
            'u' => PatternClassMember.Single(ReadHexadecimal(4)),
            'x' => PatternClassMember.Single(ReadHexadecimal(2)),
            _ when character < 0x80 && char.IsAsciiLetterOrDigit((char)character) => throw Refuse($"the escape \\{(char)character}"),
            _ => PatternClassMember.Single(character),
        };
    }

    private PatternClassMember ReadCategory()
    {
        string name = ReadBraced() ?? (at < text.Length ? char.ConvertFromUtf32(text[at++]) : "");
        bool inverted = name.StartsWith('^');
        PatternClassMember member = PatternClassMember.Category(inverted ? name[1..] : name) ?? throw Refuse($"the property \\p{{{name}}}, which is no general category");
        return inverted ? member.Inverted() : member;
    }

    private int ReadHexadecimal(int digits)
    {
        string? number = ReadBraced();
        if (number is null)
        {
            number = string.Concat(text.Skip(at).Take(digits).Select(char.ConvertFromUtf32));
            at = Math.Min(text.Length, at + digits);
        }

        return int.TryParse(number, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) && Rune.IsValid(value)
            ? value
            : throw Refuse("a hexadecimal escape that names no character");
    }

    private string? ReadBraced()
    {
        if (!Take("{"))
        {
            return null;
        }

        int begin = at;
        while (at < text.Length && text[at] != '}')
        {
            at++;
        }

        string braced = string.Concat(text[begin..at].Select(char.ConvertFromUtf32));
        return Take("}") ? braced : throw Refuse("an opening brace without a closing one");
    }

    /// <summary>A character by itself; in any case within (?i), with the two characters outside ASCII that fold to ASCII letters.</summary>
    private PatternClass Letter(int character)
    {
        if (!ignoreCase || !Rune.IsLetter(new Rune(character)))
        {
            return new PatternClass([PatternClassMember.Single(character)], Negated: false);
        }

        if (character >= 0x80)
        {
            throw Refuse("a letter outside ASCII within (?i)");
        }

        int lower = character | 0x20;
        var cases = new List<PatternClassMember> { PatternClassMember.Single(lower), PatternClassMember.Single(lower ^ 0x20) };
        if (lower is 's' or 'k')
        {
            cases.Add(PatternClassMember.Single(lower == 's' ? 0x17F : 0x212A));
        }

        return new PatternClass(cases, Negated: false);
    }

    private bool Take(string expected)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (at + i >= text.Length || text[at + i] != expected[i])
            {
                return false;
            }
        }

        at += expected.Length;
        return true;
    }

    private TokenizerFileException Refuse(string what) => new(
        path,
        $"found the pattern '{pattern}' with {what} before its character {at + 1}, expected characters, classes, general categories, groups, alternatives, greedy repetition, lookahead and (?i) only");
}

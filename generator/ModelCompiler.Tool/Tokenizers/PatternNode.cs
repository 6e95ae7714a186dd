using System.Globalization;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>A regular expression as a tree.</summary>
internal abstract record PatternNode
{
    /// <summary>Whether it can match nothing at all.</summary>
    public abstract bool MayBeEmpty { get; }

    /// <summary>Whether it holds a repetition without an upper bound.</summary>
    public abstract bool IsUnbounded { get; }
}

/// <summary>One character of a class.</summary>
internal sealed record PatternClass(IReadOnlyList<PatternClassMember> Members, bool Negated) : PatternNode
{
    public override bool MayBeEmpty => false;

    public override bool IsUnbounded => false;
}

/// <summary>One after the other.</summary>
internal sealed record PatternSequence(IReadOnlyList<PatternNode> Parts) : PatternNode
{
    public override bool MayBeEmpty => Parts.All(part => part.MayBeEmpty);

    public override bool IsUnbounded => Parts.Any(part => part.IsUnbounded);
}

/// <summary>The first alternative that matches.</summary>
internal sealed record PatternAlternatives(IReadOnlyList<PatternNode> Choices) : PatternNode
{
    public override bool MayBeEmpty => Choices.Any(choice => choice.MayBeEmpty);

    public override bool IsUnbounded => Choices.Any(choice => choice.IsUnbounded);
}

/// <summary>As often as it can be had, from <paramref name="Least"/> to <paramref name="Most"/> times (−1: any number).</summary>
internal sealed record PatternRepeat(PatternNode Body, int Least, int Most) : PatternNode
{
    public override bool MayBeEmpty => Least == 0 || Body.MayBeEmpty;

    public override bool IsUnbounded => Most < 0 || Body.IsUnbounded;
}

/// <summary>What follows matches, or does not, and is not taken.</summary>
internal sealed record PatternLookahead(PatternNode Body, bool Negated) : PatternNode
{
    public override bool MayBeEmpty => true;

    public override bool IsUnbounded => Body.IsUnbounded;
}

/// <summary>A member of a character class.</summary>
internal readonly record struct PatternClassMember(PatternMember Kind, int First = 0, int Second = 0)
{
    public static PatternClassMember Single(int character) => new(PatternMember.Range, character, character);

    /// <summary>Unicode's general categories by name: L, Lu, Nd …; null for others.</summary>
    public static PatternClassMember? Category(string name)
    {
        string[] names =
        [
            "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc",
            "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn",
        ];
        int set = 0;
        for (int i = 0; i < names.Length; i++)
        {
            set |= name.Length is 1 or 2 && names[i].StartsWith(name, StringComparison.Ordinal) ? 1 << i : 0;
        }

        return set == 0 ? null : new PatternClassMember(PatternMember.Categories, set);
    }

    public static PatternClassMember Digits => new(PatternMember.Categories, 1 << (int)UnicodeCategory.DecimalDigitNumber);

    public PatternClassMember Inverted() => this with { Kind = Kind ^ PatternMember.Negated };
}

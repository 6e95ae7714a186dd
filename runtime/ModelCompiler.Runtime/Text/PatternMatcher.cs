namespace ModelCompiler.Runtime.Text;

/// <summary>Instructions of a compiled pattern. Each is followed by its operands, one 32-bit word each; addresses count words.</summary>
internal enum PatternOp
{
    /// <summary>class, least, most: takes characters of a class, as many as can be had; gives them back one by one. most &lt; 0: any number.</summary>
    Take = 1,

    /// <summary>first, second: goes on at the first address, and at the second if that fails.</summary>
    Either,

    /// <summary>address</summary>
    Jump,

    /// <summary>address: goes on there if what follows, up to Accept, matches here.</summary>
    Ahead,

    /// <summary>address: goes on there if what follows, up to Accept, does not match here.</summary>
    NotAhead,
    Accept,
}

/// <summary>
/// Members of a character class: word 0 counts them, with <see cref="Negated"/> added if the class is what they do not hold. Each has three
/// words: kind (with <see cref="Negated"/>) and two operands.
/// </summary>
internal enum PatternMember
{
    /// <summary>From the first to the second character.</summary>
    Range = 1,

    /// <summary>Bit set of Unicode categories.</summary>
    Categories,
    WhiteSpace,
    Word,

    Negated = 1 << 30,
}

/// <summary>
/// Matches a pattern that was compiled when the tokenizer was packed: by backtracking over characters, leftmost, first alternative first,
/// greedy, as the regular expressions of the reference do. What it may compile is checked there; here nothing is taken on a file's word.
/// </summary>
internal sealed class PatternMatcher(int[] program) : Matcher
{
    private const int DeepestLookahead = 8;

    [ThreadStatic]
    private static List<(int Address, int Position, int Least)>? spareStack;

    public override bool TryFind(ReadOnlySpan<byte> text, int from, out int begin, out int end)
    {
        List<(int Address, int Position, int Least)> stack = spareStack ?? [];
        spareStack = null;
        for (begin = from; begin < text.Length; begin += Utf8.Length(text[begin], text.Length - begin))
        {
            // Published patterns need a few steps for a character; a pattern that explodes shall not take the program with it.
            long steps = 10_000 + (64L * (text.Length - begin));
            stack.Clear();
            end = Match(text, 0, begin, stack, ref steps, 0);
            if (end > begin)
            {
                spareStack = stack;
                return true;
            }
        }

        spareStack = stack;
        end = begin;
        return false;
    }

    /// <summary>Where the match ends that begins at a position, or −1.</summary>
    private int Match(
        ReadOnlySpan<byte> text, int address, int position, List<(int Address, int Position, int Least)> stack, ref long steps, int depth)
    {
        int bottom = stack.Count;
        while (true)
        {
            if (--steps < 0 || depth > DeepestLookahead)
            {
                throw new TokenizerFormatException($"A pattern of the packed tokenizer did not end on a text of {text.Length} bytes.");
            }

            bool matches;
            switch ((PatternOp)Word(address))
            {
                case PatternOp.Take:
                    matches = Take(text, address, ref position, stack);
                    address += 4;
                    break;
                case PatternOp.Either:
                    stack.Add((Word(address + 2), position, position));
                    address = Word(address + 1);
                    matches = true;
                    break;
                case PatternOp.Jump:
                    address = Word(address + 1);
                    matches = true;
                    break;
                case PatternOp.Ahead or PatternOp.NotAhead:
                    bool ahead = Match(text, address + 2, position, stack, ref steps, depth + 1) >= 0;
                    matches = ahead == (Word(address) == (int)PatternOp.Ahead);
                    address = Word(address + 1);
                    break;
                case PatternOp.Accept:
                    stack.RemoveRange(bottom, stack.Count - bottom);
                    return position;
                default:
                    throw new TokenizerFormatException($"A pattern of the packed tokenizer has instruction {Word(address)} at word {address}.");
            }

            if (!matches && !TryBack(text, stack, bottom, out address, out position))
            {
                return -1;
            }
        }
    }

    private bool Take(ReadOnlySpan<byte> text, int address, ref int position, List<(int Address, int Position, int Least)> stack)
    {
        int set = Word(address + 1);
        int least = Word(address + 2);
        int most = Word(address + 3);
        int kept = least == 0 ? position : -1;
        for (int taken = 0; taken != most && position < text.Length;)
        {
            int character = Utf8.Decode(text, position, out int length);
            if (!Holds(set, character))
            {
                break;
            }

            position += length;
            kept = ++taken == least ? position : kept;
        }

        if (kept < 0)
        {
            return false;
        }

        if (position > kept)
        {
            stack.Add((address + 4, position, kept));
        }

        return true;
    }

    /// <summary>Returns to the last choice: another address, or one character fewer.</summary>
    private static bool TryBack(
        ReadOnlySpan<byte> text, List<(int Address, int Position, int Least)> stack, int bottom, out int address, out int position)
    {
        address = position = 0;
        if (stack.Count == bottom)
        {
            return false;
        }

        (address, position, int least) = stack[^1];
        stack.RemoveAt(stack.Count - 1);
        if (position > least)
        {
            position = Utf8.Previous(text, position);
            if (position > least)
            {
                stack.Add((address, position, least));
            }
        }

        return true;
    }

    private bool Holds(int set, int character)
    {
        int count = Word(set);
        bool negated = (count & (int)PatternMember.Negated) != 0;
        count &= ~(int)PatternMember.Negated;
        for (int i = 0; i < count; i++)
        {
            int kind = Word(set + 1 + (3 * i));
            int first = Word(set + 2 + (3 * i));
            int second = Word(set + 3 + (3 * i));
            bool holds = (PatternMember)(kind & ~(int)PatternMember.Negated) switch
            {
                PatternMember.Range => character >= first && character <= second,
                PatternMember.Categories => ((first >> (int)Characters.Category(character)) & 1) != 0,
                PatternMember.WhiteSpace => Characters.IsSpace(character),
                PatternMember.Word => Characters.IsWord(character),
                _ => throw new TokenizerFormatException($"A pattern of the packed tokenizer has a character class of kind {kind}."),
            };
            if (holds != ((kind & (int)PatternMember.Negated) != 0))
            {
                return !negated;
            }
        }

        return negated;
    }

    private int Word(int address) => (uint)address < (uint)program.Length
        ? program[address]
        : throw new TokenizerFormatException($"A pattern of the packed tokenizer goes to word {address} of {program.Length}.");
}

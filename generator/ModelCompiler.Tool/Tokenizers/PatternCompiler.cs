using System.Runtime.InteropServices;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>Compiles a regular expression to the program that <see cref="PatternMatcher"/> runs.</summary>
internal sealed class PatternCompiler
{
    private const int MostWords = 1 << 16;

    private readonly List<int> words = [];
    private readonly List<(int Operand, PatternClass Class)> classes = [];
    private readonly string path;

    private PatternCompiler(string path) => this.path = path;

    /// <summary>The program as bytes, little-endian.</summary>
    public static byte[] Compile(string pattern, string path)
    {
        PatternNode node = PatternParser.Parse(pattern, path);
        if (node.MayBeEmpty)
        {
            throw new TokenizerFileException(path, $"found the pattern '{pattern}', which matches an empty text, expected one that does not");
        }

        var compiler = new PatternCompiler(path);
        compiler.Emit(node);
        compiler.Add((int)PatternOp.Accept);
        compiler.AddClasses();
        return MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(compiler.words)).ToArray();
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case PatternClass single:
                EmitTake(single, 1, 1);
                break;
            case PatternSequence sequence:
                foreach (PatternNode part in sequence.Parts)
                {
                    Emit(part);
                }

                break;
            case PatternAlternatives alternatives:
                EmitAlternatives(alternatives);
                break;
            case PatternRepeat { Body: PatternClass repeated } repeat:
                EmitTake(repeated, repeat.Least, repeat.Most);
                break;
            case PatternRepeat repeat:
                EmitRepeat(repeat);
                break;
            case PatternLookahead lookahead:
                Add((int)(lookahead.Negated ? PatternOp.NotAhead : PatternOp.Ahead));
                int behind = Hole();
                Emit(lookahead.Body);
                Add((int)PatternOp.Accept);
                words[behind] = words.Count;
                break;
            default:
                throw new InvalidOperationException($"There is no code for {node.GetType().Name}.");
        }
    }

    private void EmitTake(PatternClass set, int least, int most)
    {
        Add((int)PatternOp.Take);
        classes.Add((Hole(), set));
        Add(least);
        Add(most);
    }

    private void EmitAlternatives(PatternAlternatives alternatives)
    {
        var ends = new List<int>();
        for (int i = 0; i < alternatives.Choices.Count; i++)
        {
            bool last = i == alternatives.Choices.Count - 1;
            int other = last ? -1 : EmitEither();
            Emit(alternatives.Choices[i]);
            if (!last)
            {
                Add((int)PatternOp.Jump);
                ends.Add(Hole());
                words[other] = words.Count;
            }
        }

        foreach (int end in ends)
        {
            words[end] = words.Count;
        }
    }

    private void EmitRepeat(PatternRepeat repeat)
    {
        for (int i = 0; i < repeat.Least; i++)
        {
            Emit(repeat.Body);
        }

        if (repeat.Most < 0)
        {
            int begin = words.Count;
            int end = EmitEither();
            Emit(repeat.Body);
            Add((int)PatternOp.Jump);
            Add(begin);
            words[end] = words.Count;
            return;
        }

        var ends = new List<int>();
        for (int i = repeat.Least; i < repeat.Most; i++)
        {
            ends.Add(EmitEither());
            Emit(repeat.Body);
        }

        foreach (int end in ends)
        {
            words[end] = words.Count;
        }
    }

    /// <summary>A choice whose first way follows at once; returns where the address of its second way belongs.</summary>
    private int EmitEither()
    {
        Add((int)PatternOp.Either);
        Add(words.Count + 2);
        return Hole();
    }

    private void AddClasses()
    {
        foreach ((int operand, PatternClass set) in classes)
        {
            words[operand] = words.Count;
            Add(set.Members.Count | (set.Negated ? (int)PatternMember.Negated : 0));
            foreach (PatternClassMember member in set.Members)
            {
                Add((int)member.Kind);
                Add(member.First);
                Add(member.Second);
            }
        }
    }

    private int Hole()
    {
        Add(0);
        return words.Count - 1;
    }

    private void Add(int word)
    {
        words.Add(words.Count < MostWords ? word : throw new TokenizerFileException(path, $"found a pattern of more than {MostWords} steps, expected a shorter one"));
    }
}

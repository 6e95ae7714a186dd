using System.Runtime.InteropServices;
using System.Text;

namespace ModelCompiler.Runtime.Text;

/// <summary>
/// One of Unicode's normalisation forms (UAX 15), by tables of one Unicode version that are packed with the tokenizer. string.Normalize
/// serves nobody here: with InvariantGlobalization it returns text as it is, and elsewhere its answer depends on the machine's ICU.
/// </summary>
/// <remarks>
/// The tables, in 32-bit words: four counts, then decompositions (character, offset and length in the data; sorted), the data (characters, fully
/// decomposed), combining classes (character, class; sorted; all others are 0) and compositions (first, second, result; sorted; none in a form that
/// only decomposes).
/// </remarks>
internal sealed class UnicodeForm : Normalizer
{
    private const int HangulBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7;
    private const int Leads = 19;
    private const int Vowels = 21;
    private const int Trails = 28;
    private const int Syllables = Leads * Vowels * Trails;

    private readonly Decomposition[] decompositions;
    private readonly int[] data;
    private readonly CombiningClass[] classes;
    private readonly Composition[] compositions;

    /// <summary>Reads the tables.</summary>
    public UnicodeForm(ReadOnlySpan<byte> tables)
    {
        ReadOnlySpan<int> words = MemoryMarshal.Cast<byte, int>(tables);
        if (words.Length < 4 || words[..4].ContainsAnyExceptInRange(0, 1 << 20)
            || words.Length != 4L + (3L * words[0]) + words[1] + (2L * words[2]) + (3L * words[3]))
        {
            throw new TokenizerFormatException($"The Unicode tables of the packed tokenizer have {words.Length} words, which is not what they tell.");
        }

        ReadOnlySpan<int> rest = words[4..];
        decompositions = Take<Decomposition>(ref rest, 3 * words[0]);
        data = Take<int>(ref rest, words[1]);
        classes = Take<CombiningClass>(ref rest, 2 * words[2]);
        compositions = Take<Composition>(ref rest, 3 * words[3]);
        foreach (Decomposition decomposition in decompositions)
        {
            if (decomposition.Offset < 0 || decomposition.Length <= 0 || (long)decomposition.Offset + decomposition.Length > data.Length)
            {
                throw new TokenizerFormatException($"The decomposition of U+{decomposition.Character:X4} lies outside the Unicode tables of the packed tokenizer.");
            }
        }
    }

    public override void Run(ReadOnlySpan<byte> text, GrowingList<byte> output)
    {
        if (Ascii.IsValid(text))
        {
            output.AddRange(text);
            return;
        }

        var characters = new GrowingList<int>();
        for (int at = 0; at < text.Length;)
        {
            Decompose(Utf8.Decode(text, at, out int length), characters);
            at += length;
        }

        int[] ordered = characters.Span.ToArray();
        Reorder(ordered);
        int count = compositions.Length > 0 ? Compose(ordered) : ordered.Length;
        foreach (int character in ordered.AsSpan(0, count))
        {
            Rune rune = Rune.IsValid(character) ? new Rune(character) : Rune.ReplacementChar;
            output.Advance(rune.EncodeToUtf8(output.Reserve(4)));
        }
    }

    private static T[] Take<T>(ref ReadOnlySpan<int> words, int count)
        where T : unmanaged
    {
        T[] taken = MemoryMarshal.Cast<int, T>(words[..count]).ToArray();
        words = words[count..];
        return taken;
    }

    private void Decompose(int character, GrowingList<int> output)
    {
        int syllable = character - HangulBase;
        if (character < 0xA0)
        {
            output.Add(character);
        }
        else if ((uint)syllable < Syllables)
        {
            output.Add(LeadBase + (syllable / (Vowels * Trails)));
            output.Add(VowelBase + (syllable % (Vowels * Trails) / Trails));
            if (syllable % Trails != 0)
            {
                output.Add(TrailBase + (syllable % Trails));
            }
        }
        else if (decompositions.AsSpan().BinarySearch(new Decomposition { Character = character }) is >= 0 and int found)
        {
            output.AddRange(data.AsSpan(decompositions[found].Offset, decompositions[found].Length));
        }
        else
        {
            output.Add(character);
        }
    }

    /// <summary>Sorts each run of combining characters by class; equal classes keep their order.</summary>
    private void Reorder(Span<int> characters)
    {
        for (int begin = 0; begin < characters.Length; begin++)
        {
            int end = begin;
            while (end < characters.Length && Class(characters[end]) != 0)
            {
                end++;
            }

            if (end - begin > 1)
            {
                var keys = new long[end - begin];
                for (int i = 0; i < keys.Length; i++)
                {
                    keys[i] = ((long)Class(characters[begin + i]) << 32) | (uint)i;
                }

                int[] run = characters[begin..end].ToArray();
                Array.Sort(keys, run);
                run.CopyTo(characters[begin..]);
            }

            begin = end;
        }
    }

    /// <summary>Composes in place; returns how many characters are left.</summary>
    private int Compose(Span<int> characters)
    {
        int starter = -1;
        int lastClass = -1;
        int count = 0;
        foreach (int character in characters)
        {
            int current = Class(character);
            bool blocked = lastClass >= current && lastClass >= 0;
            int composed = starter >= 0 && !blocked ? Pair(characters[starter], character) : -1;
            if (composed >= 0)
            {
                characters[starter] = composed;
                continue;
            }

            // After another starter nothing is between; after a combining character its class tells what it blocks.
            starter = current == 0 ? count : starter;
            lastClass = current == 0 ? -1 : current;
            characters[count++] = character;
        }

        return count;
    }

    private int Pair(int first, int second)
    {
        int lead = first - LeadBase;
        int vowel = second - VowelBase;
        if ((uint)lead < Leads && (uint)vowel < Vowels)
        {
            return HangulBase + (((lead * Vowels) + vowel) * Trails);
        }

        int syllable = first - HangulBase;
        int trail = second - TrailBase;
        if ((uint)syllable < Syllables && syllable % Trails == 0 && trail is > 0 and < Trails)
        {
            return first + trail;
        }

        int found = compositions.AsSpan().BinarySearch(new Composition { First = first, Second = second });
        return found >= 0 ? compositions[found].Result : -1;
    }

    private int Class(int character)
    {
        if (character < 0x300)
        {
            return 0;
        }

        int found = classes.AsSpan().BinarySearch(new CombiningClass { Character = character });
        return found >= 0 ? classes[found].Class : 0;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct Decomposition : IComparable<Decomposition>
    {
        public int Character;
        public int Offset;
        public int Length;

        public readonly int CompareTo(Decomposition other) => Character.CompareTo(other.Character);
    }

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct CombiningClass : IComparable<CombiningClass>
    {
        public int Character;
        public int Class;

        public readonly int CompareTo(CombiningClass other) => Character.CompareTo(other.Character);
    }

    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct Composition : IComparable<Composition>
    {
        public int First;
        public int Second;
        public int Result;

        public readonly int CompareTo(Composition other) => (First, Second).CompareTo((other.First, other.Second));
    }
}

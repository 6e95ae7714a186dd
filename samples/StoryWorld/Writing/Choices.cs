namespace StoryWorld.Writing;

/// <summary>
/// Seeded choices, and how surprising they were. The numbers behind a seed are SplitMix64's (Steele, Lea and Flood 2014), ours so that
/// they never change; only integers decide.
/// </summary>
public sealed class Choices(ulong seed)
{
    private ulong state = seed;

    /// <summary>The sum of −ln p over the choices so far, p a choice's probability given those before it.</summary>
    public double SurpriseNats { get; private set; }

    /// <summary>A hash of what was chosen (FNV-1a): two documents with equal ones were written by the same choices.</summary>
    public ulong Path { get; private set; } = 0xCBF29CE484222325;

    /// <summary>An index, as likely as its weight's part of all.</summary>
    public int Pick(IReadOnlyList<int> weights)
    {
        int total = weights.Sum(), remaining = (int)Math.BigMul(Next(), (ulong)total, out _), index = 0;
        while (remaining >= weights[index])
        {
            remaining -= weights[index++];
        }

        SurpriseNats -= Math.Log((double)weights[index] / total);
        return Note(index);
    }

    /// <summary>An index below <paramref name="count"/>, all equally likely.</summary>
    public int Pick(int count)
    {
        SurpriseNats += Math.Log(count);
        return Note((int)Math.BigMul(Next(), (ulong)count, out _));
    }

    /// <summary>Spreads a document's number over all seeds.</summary>
    public static ulong SeedOf(ulong seed, long document) => Mix(Mix(seed) + (ulong)document);

    private int Note(int index)
    {
        Path = (Path ^ (ulong)index) * 0x100000001B3;
        return index;
    }

    private ulong Next() => Mix(state += 0x9E3779B97F4A7C15);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

namespace ModelCompiler.Runtime.Numerics;

/// <summary>Random numbers by their place in a sequence, in integer arithmetic alone: the same on every machine. Steele, Lea, Flood, OOPSLA 2014.</summary>
internal static class SplitMix64
{
    /// <summary>What the counter grows by.</summary>
    public const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>Number <paramref name="index"/> of the sequence that a seed begins.</summary>
    public static ulong At(ulong seed, ulong index) => Mix(Mix(seed + Golden) + ((index + 1) * Golden));

    /// <summary>Every bit of the result depends on every bit of <paramref name="z"/>.</summary>
    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

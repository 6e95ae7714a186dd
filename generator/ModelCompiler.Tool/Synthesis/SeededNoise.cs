using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Tool.Synthesis;

/// <summary>
/// Bell-shaped numbers that depend on a seed, a name and an index, in integer arithmetic alone: the same on every machine,
/// and any part of a sequence can be made without the rest. SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) over a counter.
/// </summary>
internal readonly struct SeededNoise
{
    /// <summary>Standard deviation of a sum of four uniform 16-bit numbers: √(4 · (65536² − 1) / 12).</summary>
    private const double LaneDeviation = 37837.2271;

    private readonly ulong start;

    public SeededNoise(ulong seed, string name)
    {
        start = SplitMix64.Mix(seed + SplitMix64.Golden);
        foreach (char c in name)
        {
            start = SplitMix64.Mix(start ^ c);
        }
    }

    /// <summary>Number <paramref name="index"/>: mean 0, standard deviation 1, within ±3.47 (Irwin–Hall of four).</summary>
    public float Normal(long index)
    {
        ulong bits = SplitMix64.Mix(start + ((ulong)index * SplitMix64.Golden));
        int sum = (int)(bits & 0xFFFF) + (int)((bits >> 16) & 0xFFFF) + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);
        return (float)((sum - (2 * 65535)) * (1 / LaneDeviation));
    }
}

using System.Numerics;
using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Sampling;

/// <summary>xoshiro256** (Blackman and Vigna, 2018), seeded through SplitMix64. Ours, because the numbers behind a seed must never change.</summary>
internal struct RandomNumbers
{
    private ulong s0;
    private ulong s1;
    private ulong s2;
    private ulong s3;

    public RandomNumbers(ulong seed)
    {
        s0 = SplitMix(ref seed);
        s1 = SplitMix(ref seed);
        s2 = SplitMix(ref seed);
        s3 = SplitMix(ref seed);
    }

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        ulong result = BitOperations.RotateLeft(s1 * 5, 7) * 9;
        ulong t = s1 << 17;
        s2 ^= s0;
        s3 ^= s1;
        s1 ^= s2;
        s0 ^= s3;
        s2 ^= t;
        s3 = BitOperations.RotateLeft(s3, 45);
        return result;
    }

    /// <summary>A multiple of 2^-53 in [0, 1).</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    private static ulong SplitMix(ref ulong state) => SplitMix64.Mix(state += SplitMix64.Golden);
}

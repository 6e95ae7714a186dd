using System.Runtime.InteropServices;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>Equality of bits, which tells −0 from +0.</summary>
internal static class Bits
{
    public static void AssertEqual(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        ReadOnlySpan<uint> expectedBits = MemoryMarshal.Cast<float, uint>(expected);
        ReadOnlySpan<uint> actualBits = MemoryMarshal.Cast<float, uint>(actual);
        int at = expectedBits.CommonPrefixLength(actualBits);
        if (at < expected.Length)
        {
            Assert.Fail($"{what}: element {at} of {expected.Length} is {actual[at]:g9} (0x{actualBits[at]:x8}), expected {expected[at]:g9} (0x{expectedBits[at]:x8})");
        }
    }
}

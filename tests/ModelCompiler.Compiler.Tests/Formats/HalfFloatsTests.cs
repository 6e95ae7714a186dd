using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Tests.Formats;

/// <summary>The two 16-bit formats against System.Half and against the definition of rounding.</summary>
public class HalfFloatsTests
{
    [Fact]
    public void EveryF16PatternIsReadAsSystemHalfReadsIt()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
            float actual = HalfFloats.FromF16((ushort)bits);
            Assert.True(
                float.IsNaN(expected) ? float.IsNaN(actual) : BitConverter.SingleToUInt32Bits(expected) == BitConverter.SingleToUInt32Bits(actual),
                $"pattern {bits:X4}: {expected} read as {actual}");
        }
    }

    [Fact]
    public void EveryFinitePatternComesBack()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            if ((bits & 0x7C00) != 0x7C00)
            {
                Assert.Equal(bits, HalfFloats.ToF16(HalfFloats.FromF16((ushort)bits)));
            }

            if ((bits & 0x7F80) != 0x7F80)
            {
                Assert.Equal(bits, HalfFloats.ToBF16(HalfFloats.FromBF16((ushort)bits)));
            }
        }
    }

    /// <summary>Every f16 number, every middle between two neighbours, and the float32 next to each middle.</summary>
    [Fact]
    public void F16RoundsAsSystemHalf()
    {
        for (int bits = 0; bits < 0x7BFF; bits++)
        {
            float low = HalfFloats.FromF16((ushort)bits);
            float middle = (low + HalfFloats.FromF16((ushort)(bits + 1))) / 2;
            foreach (float value in new[] { low, middle, MathF.BitDecrement(middle), MathF.BitIncrement(middle) })
            {
                CheckF16(value);
                CheckF16(-value);
            }
        }
    }

    [Fact]
    public void F16RoundsAsSystemHalfEverywhere()
    {
        for (uint bits = 0; bits < 0x477FF000; bits += 65521)
        {
            CheckF16(BitConverter.UInt32BitsToSingle(bits));
            CheckF16(BitConverter.UInt32BitsToSingle(bits | 0x80000000));
        }
    }

    [Fact]
    public void BF16RoundsToTheNearestAndTiesToEven()
    {
        for (int upper = 0; upper < 0x7F7F; upper++)
        {
            uint start = (uint)upper << 16;
            int even = upper + (upper & 1);
            CheckBF16(start | 0x7FFF, upper);
            CheckBF16(start | 0x8000, even);
            CheckBF16(start | 0x8001, upper + 1);
        }
    }

    [Theory]
    [InlineData(65520f)]
    [InlineData(-1e10f)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NaN)]
    public void F16RefusesWhatItCannotHold(float value) => Assert.Throws<OverflowException>(() => HalfFloats.ToF16(value));

    [Theory]
    [InlineData(float.MaxValue)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.NaN)]
    public void BF16RefusesWhatItCannotHold(float value) => Assert.Throws<OverflowException>(() => HalfFloats.ToBF16(value));

    [Fact]
    public void LargestF16IsHeld() => Assert.Equal(HalfFloats.LargestF16, HalfFloats.FromF16(HalfFloats.ToF16(65519.996f)));

    private static void CheckF16(float value)
        => Assert.True(BitConverter.HalfToUInt16Bits((Half)value) == HalfFloats.ToF16(value), $"{value:R}");

    private static void CheckBF16(uint bits, int expected)
        => Assert.True(HalfFloats.ToBF16(BitConverter.UInt32BitsToSingle(bits)) == expected, $"{bits:X8}");
}

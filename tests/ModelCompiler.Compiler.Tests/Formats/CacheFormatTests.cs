using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Tests.Formats;

/// <summary>What the formats of the key/value cache make of a head, and how much room they take.</summary>
public class CacheFormatTests
{
    public static TheoryData<string> Names => [.. CacheFormat.All.Select(format => format.Name)];

    [Theory]
    [InlineData("f32", 0, 1 << 20)]
    [InlineData("bf16", 1 / 256.0, 1 << 20)]
    [InlineData("q8", 1 / 254.0 * 129 / 128, 32)]
    public void ANumberMovesByHalfAStepAtMost(string name, double step, int sharing)
    {
        Random random = new(7);
        float[] head = [.. Enumerable.Range(0, 80).Select(i => (float)((random.NextDouble() - 0.5) * Math.Pow(2, i / 8)))];
        float[] rounded = [.. head];
        CacheFormat.Find(name)!.Round(rounded);
        for (int i = 0; i < head.Length; i++)
        {
            // A step is relative to the number itself, or to the largest of those that share its scale.
            double size = sharing > head.Length ? Math.Abs(head[i]) : head.Skip(i / sharing * sharing).Take(sharing).Max(Math.Abs);
            Assert.InRange(Math.Abs((double)rounded[i] - head[i]), 0, step * size);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ZerosStayAndTheLargestNumberOfAGroupIsMet(string name)
    {
        float[] head = new float[48];
        CacheFormat.Find(name)!.Round(head);
        Assert.All(head, number => Assert.Equal(0f, number));
        head[40] = -1e-3f;
        head[3] = 1e30f;
        CacheFormat.Find(name)!.Round(head);
        Assert.InRange(head[3] / 1e30, 0.99, 1.01);
        Assert.InRange(head[40] / -1e-3, 0.99, 1.01);
    }

    [Fact]
    public void WhatIsNotFiniteShows()
    {
        foreach (float odd in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            float[] head = new float[64];
            (head[40], head[41]) = (odd, 1);
            Q8Cache.Instance.Round(head);
            Assert.False(float.IsFinite(head[40]));
            Assert.All(head[..32], number => Assert.Equal(0f, number));
        }
    }

    [Theory]
    [InlineData("f32", 128, 32.0)]
    [InlineData("bf16", 128, 16.0)]
    [InlineData("q8", 128, 8.5)]
    [InlineData("q8", 64, 8.5)]
    [InlineData("q8", 48, 8 + (2 * 16.0 / 48))]
    [InlineData("q8", 16, 8 + (2 * 16.0 / 16))]
    public void ANumberTakesSoManyBits(string name, int headDim, double bits)
    {
        CacheBlock block = new(CacheFormat.Find(name)!, headDim);
        Assert.Equal(bits, 8.0 * block.LengthBytes / (2 * 64 * headDim), 6);
        Assert.Equal(0, block.LengthBytes % 64);
    }
}

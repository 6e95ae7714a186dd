using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Tests.Numerics;

/// <summary>What a checksum must notice.</summary>
public class ChecksumTests
{
    [Fact]
    public void EveryFlippedBitAndEveryLengthGivesAnother()
    {
        byte[] bytes = [.. Enumerable.Range(0, 45).Select(i => (byte)(i * 37))];
        HashSet<string> seen = [Checksum.Of(bytes)];
        for (int bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(seen.Add(Checksum.Of(bytes)), $"bit {bit}");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.Equal(10, Enumerable.Range(0, 10).Select(length => Checksum.Of(new byte[length])).Distinct().Count());
    }

    /// <summary>Two signs of neighbouring numbers: the highest bits, which a product alone does not mix.</summary>
    [Fact]
    public void TwoFlippedSignsDoNotCancel()
    {
        float[] numbers = [1, 2, 3, 4, 5, 6];
        string before = Checksum.Of(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(numbers));
        (numbers[1], numbers[3]) = (-2, -4);
        Assert.NotEqual(before, Checksum.Of(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(numbers)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(13)]
    [InlineData((1 << 20) - 8)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 9)]
    public void AFileHasThatOfItsBytes(int length)
    {
        string path = Path.GetTempFileName();
        try
        {
            byte[] bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            File.WriteAllBytes(path, bytes);
            Assert.Equal(Checksum.Of(bytes), Checksum.OfFile(path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}

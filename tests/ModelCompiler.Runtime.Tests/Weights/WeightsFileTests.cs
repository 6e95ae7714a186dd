using System.Buffers.Binary;
using System.Security.Cryptography;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Runtime.Weights;

namespace ModelCompiler.Runtime.Tests.Weights;

public sealed class WeightsFileTests : IDisposable
{
    private readonly FakeModel.PackedFile file = new(tokenizer: [1, 2, 3, 4, 5]);

    public void Dispose() => file.Dispose();

    [Fact]
    public unsafe void WhatIsWrittenIsReadInPlace()
    {
        using WeightsFile weights = WeightsFile.Open(ExpectedWeights.Of(file.Description), new LoadOptions { WeightsPath = file.Path, VerifyHash = true }, GetType().Assembly);
        Assert.Equal(0, (long)weights.Data % 64);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => (byte)i), new ReadOnlySpan<byte>(weights.Data, 1000).ToArray());
        Assert.True(weights.HasTokenizer);
        Assert.Equal([1, 2, 3, 4, 5], File.ReadAllBytes(file.Path)[1152..]);
        Assert.Throws<TokenizerFormatException>(weights.OpenTokenizer);
        byte[] data = [.. Enumerable.Range(0, 1000).Select(i => (byte)i), 1, 2, 3, 4, 5];
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(data)), file.Description.ContentHash);
        Assert.Equal([file.Path], file.Files);
    }

    /// <summary>Pieces of 2 MiB: data and tokenizer to before, at and behind the end of one, and of two.</summary>
    [Theory]
    [InlineData((2 << 20) - 128 - 1, 0)]
    [InlineData((2 << 20) - 128, 0)]
    [InlineData((2 << 20) - 128 + 1, 0)]
    [InlineData((2 << 20) - 128 - 64, 200)]
    [InlineData(4 << 20, 3 << 20)]
    public unsafe void PiecesOfTheFileFollowEachOther(int dataLength, int tokenizerLength)
    {
        byte[] tokenizer = [.. Enumerable.Range(0, tokenizerLength).Select(i => (byte)(i * 7))];
        using FakeModel.PackedFile large = new(dataLength, tokenizer);
        using WeightsFile weights = WeightsFile.Open(ExpectedWeights.Of(large.Description), new LoadOptions { WeightsPath = large.Path, VerifyHash = true }, GetType().Assembly);
        Assert.True(new ReadOnlySpan<byte>(weights.Data, dataLength).SequenceEqual((byte[])[.. Enumerable.Range(0, dataLength).Select(i => (byte)i)]));
        Assert.Equal(tokenizerLength > 0, weights.HasTokenizer);
    }

    /// <summary>What the system then does is its own affair; the mapping's flags tell that it was asked.</summary>
    [Fact]
    public unsafe void ALargeFileIsMappedInHugePagesWhereThereAreAny()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using FakeModel.PackedFile large = new(4 << 20, []);
        using WeightsFile weights = WeightsFile.Open(ExpectedWeights.Of(large.Description), new LoadOptions { WeightsPath = large.Path }, GetType().Assembly);
        string mapping = $"{(nint)weights.Data - WeightsHeader.LengthBytes:x}-";
        string flags = File.ReadLines("/proc/self/smaps").SkipWhile(line => !line.StartsWith(mapping, StringComparison.Ordinal)).First(line => line.StartsWith("VmFlags:", StringComparison.Ordinal));
        Assert.Equal(Directory.Exists("/sys/kernel/mm/transparent_hugepage"), flags.Split(' ').Contains("hg"));
    }

    [Fact]
    public void TheModelOpensItsOwnFile()
    {
        using FakeModel model = FakeModel.Open(file.Description, new LoadOptions { WeightsPath = file.Path, VerifyHash = true });
        model.VerifyContent();
    }

    [Theory]
    [InlineData(0, "no packed weights file")]
    [InlineData(8, "version")]
    [InlineData(12, "header length")]
    [InlineData(16, "data length")]
    [InlineData(24, "cut off")]
    [InlineData(32, "another layout")]
    [InlineData(64, "other weights")]
    public void EachFieldIsChecked(int offset, string complaint)
    {
        byte[] bytes = File.ReadAllBytes(file.Path);
        bytes[offset] ^= 1 << 6;
        File.WriteAllBytes(file.Path, bytes);
        WeightsFileException thrown = Assert.Throws<WeightsFileException>(Load);
        Assert.Contains(complaint, thrown.Message);
        Assert.Contains(file.Path, thrown.Message);
        Assert.NotEqual(thrown.Found, thrown.Expected);
    }

    [Theory]
    [InlineData(16, -1L)]
    [InlineData(16, long.MaxValue)]
    [InlineData(16, long.MaxValue - 100)]
    [InlineData(24, long.MinValue)]
    [InlineData(24, long.MaxValue)]
    [InlineData(24, 1L << 40)]
    public void HostileLengthsAreRefused(int offset, long length)
    {
        byte[] bytes = File.ReadAllBytes(file.Path);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(offset), length);
        File.WriteAllBytes(file.Path, bytes);
        Assert.Throws<WeightsFileException>(Load);
    }

    [Fact]
    public void EveryTruncationIsRefused()
    {
        byte[] bytes = File.ReadAllBytes(file.Path);
        foreach (int length in (int[])[0, 1, 127, 128, 129, 1127, 1128, bytes.Length - 1])
        {
            File.WriteAllBytes(file.Path, bytes[..length]);
            Assert.Throws<WeightsFileException>(Load);
        }
    }

    [Fact]
    public void DamagedContentIsFoundWhenAskedFor()
    {
        byte[] bytes = File.ReadAllBytes(file.Path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(file.Path, bytes);
        using FakeModel model = Load();
        Assert.Throws<WeightsFileException>(model.VerifyContent);
        Assert.Throws<WeightsFileException>(() => FakeModel.Open(file.Description, new LoadOptions { WeightsPath = file.Path, VerifyHash = true }));
    }

    [Fact]
    public unsafe void AResourceIsUsedInPlaceWhereverItLies()
    {
        byte[] bytes = File.ReadAllBytes(file.Path);
        fixed (byte* memory = new byte[bytes.Length + 1])
        {
            bytes.CopyTo(new Span<byte>(memory + 1, bytes.Length));
            using WeightsFile weights = new("resource 'r'", new UnmanagedMemoryStream(memory + 1, bytes.Length));
            Assert.True(weights.Data == memory + 1 + WeightsHeader.LengthBytes);
            weights.VerifyContent();
            memory[bytes.Length] ^= 1;
            Assert.Contains("resource 'r'", Assert.Throws<WeightsFileException>(weights.VerifyContent).Message);
            using UnmanagedMemoryStream shorter = new(memory + 1, bytes.Length - 1);
            Assert.Throws<WeightsFileException>(() => new WeightsFile("resource 'r'", shorter));
        }
    }

    [Fact]
    public void AMissingFileOrResourceIsNamed()
    {
        Assert.Contains("fake.mcw", Assert.Throws<FileNotFoundException>(() => FakeModel.Open(file.Description, new LoadOptions())).Message);
        Assert.Contains("nowhere", Assert.Throws<FileNotFoundException>(() => FakeModel.Open(file.Description with { EmbeddedResource = "nowhere" }, new LoadOptions())).Message);
    }

    [Fact]
    public void AnAbandonedWriterLeavesTheOldFile()
    {
        byte[] before = File.ReadAllBytes(file.Path);
        using (WeightsFileWriter writer = new(file.Path, FakeModel.PackedFile.PlanHash))
        {
            writer.Write(new byte[5]);
            writer.PadTo(64);
            Assert.Equal(64, writer.DataLength);
            Assert.Throws<ArgumentOutOfRangeException>(() => writer.PadTo(63));
            Assert.Equal(2, file.Files.Length);
        }

        Assert.Equal([file.Path], file.Files);
        Assert.Equal(before, File.ReadAllBytes(file.Path));
        Assert.Throws<ArgumentException>(() => new WeightsFileWriter(file.Path, "no hash"));
    }

    private FakeModel Load() => FakeModel.Open(file.Description, new LoadOptions { WeightsPath = file.Path });
}

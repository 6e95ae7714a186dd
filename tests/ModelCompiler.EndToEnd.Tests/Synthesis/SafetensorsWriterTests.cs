using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Runtime.Weights.Safetensors;

namespace ModelCompiler.EndToEnd.Tests.Synthesis;

/// <summary>A safetensors file is there whole, or not at all.</summary>
public sealed class SafetensorsWriterTests : IDisposable
{
    private static readonly TensorDeclaration[] Tensors = [new("a", "F32", [2, 3]), new("b", "BF16", [5])];

    private readonly TemporaryFolder temporary = new();

    public void Dispose() => temporary.Dispose();

    [Fact]
    public void TheDataBeginsAtAMultipleOfEight()
    {
        using (SafetensorsWriter writer = new(temporary.File("m.safetensors"), Tensors))
        {
            writer.Write(new byte[24 + 10]);
            writer.Commit();
        }

        byte[] file = File.ReadAllBytes(temporary.File("m.safetensors"));
        Assert.Equal(0, BitConverter.ToInt64(file) % 8);
        Assert.Equal(8 + BitConverter.ToInt64(file) + 34, file.Length);
        Assert.Single(Directory.GetFiles(temporary.Path));
    }

    [Theory]
    [InlineData(33)]
    [InlineData(35)]
    public void AFileOfAnotherLengthIsNotCommitted(int bytes)
    {
        using (SafetensorsWriter writer = new(temporary.File("m.safetensors"), Tensors))
        {
            writer.Write(new byte[bytes]);
            Assert.Throws<InvalidOperationException>(() => writer.Commit());
        }

        Assert.Empty(Directory.GetFiles(temporary.Path));
    }

    [Fact]
    public void AnOlderFileStaysUntilTheNewOneIsWhole()
    {
        File.WriteAllText(temporary.File("m.safetensors"), "old");
        using (SafetensorsWriter writer = new(temporary.File("m.safetensors"), Tensors))
        {
            writer.Write(new byte[20]);
        }

        Assert.Equal("old", File.ReadAllText(temporary.File("m.safetensors")));
    }
}

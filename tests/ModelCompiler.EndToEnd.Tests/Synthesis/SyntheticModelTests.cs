using System.Security.Cryptography;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Synthesis;

/// <summary>Synthetic models are complete in the eyes of the graph, the same everywhere, and have logits worth comparing.</summary>
public class SyntheticModelTests(ITestOutputHelper output)
{
    public static TheoryData<string> Small => [.. SyntheticConfigs.Small.Keys];

    [Theory]
    [MemberData(nameof(Small))]
    public void HasTheTensorsOfItsGraphAndInformativeLogits(string name)
    {
        using TemporaryFolder temporary = new();
        SyntheticModel.Write(temporary.Path, SyntheticConfigs.Small[name], new());
        using ModelFolder folder = ModelFolder.Open(temporary.Path, name);
        List<ModelDiagnostic> diagnostics = [];
        ModelGraph? graph = ModelGraphBuilder.Build(folder.Inputs, diagnostics);
        Assert.Empty(diagnostics);

        int vocab = graph!.Dimensions.Vocab;
        int[] tokens = [.. Enumerable.Range(0, 40).Select(i => (i * 31) % vocab)];
        double[] logits = new ReferenceInterpreter(graph, new PublishedParameters(folder)).Run(tokens);

        double deviation = Math.Sqrt(logits.Average(logit => logit * logit));
        output.WriteLine($"{name}: deviation of logits {deviation:f2}");
        Assert.InRange(deviation, 0.5, 8);
        Assert.True(Difference(logits[^vocab..], logits[^(2 * vocab)..^vocab]) > 0.1, "two tokens have the same logits");
    }

    [Theory]
    [InlineData(TensorType.F32)]
    [InlineData(TensorType.F16)]
    [InlineData(TensorType.BF16)]
    public void ShardsHoldTheSameTensorsAsOneFile(TensorType type)
    {
        string config = SyntheticConfigs.Small["qwen2-biased"];
        using TemporaryFolder one = new();
        using TemporaryFolder three = new();
        SyntheticModel.Write(one.Path, config, new(type));
        SyntheticModel.Write(three.Path, config, new(type, Shards: 3));
        using ModelFolder whole = ModelFolder.Open(one.Path);
        using ModelFolder sharded = ModelFolder.Open(three.Path);

        Assert.Equal(5, sharded.Files.Count);
        Assert.Equal(whole.Inputs.Tensors.Select(tensor => tensor.Name), sharded.Inputs.Tensors.Select(tensor => tensor.Name));
        foreach (TensorInfo tensor in whole.Inputs.Tensors)
        {
            Assert.Equal(type, tensor.Type);
            Assert.True(whole.Bytes(tensor).SequenceEqual(sharded.Bytes(sharded.Inputs.Find(tensor.Name)!)), tensor.Name);
        }
    }

    /// <summary>The bytes are pinned: whoever measures or compares on two machines has the same model on both.</summary>
    [Theory]
    [InlineData(TensorType.F32, "fc87cd4ed0d9b48b")]
    [InlineData(TensorType.F16, "80de4182d4e6cc70")]
    [InlineData(TensorType.BF16, "a30c367406ebf4d5")]
    public void TheBytesAreTheSameOnEveryMachine(TensorType type, string expected)
    {
        using TemporaryFolder temporary = new();
        SyntheticModel.Write(temporary.Path, SyntheticConfigs.Small["llama-head20"], new(type));
        Assert.Equal(expected, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(temporary.File("model.safetensors"))))[..16]);
        Assert.Equal(2, Directory.GetFiles(temporary.Path).Length);
    }

    [Fact]
    public void SeedsDiffer()
    {
        string config = SyntheticConfigs.Small["llama-head20"];
        using TemporaryFolder one = new();
        using TemporaryFolder two = new();
        SyntheticModel.Write(one.Path, config, new(Seed: 1));
        SyntheticModel.Write(two.Path, config, new(Seed: 2));
        Assert.NotEqual(File.ReadAllBytes(one.File("model.safetensors")), File.ReadAllBytes(two.File("model.safetensors")));
    }

    [Fact]
    public void ACancelledModelLeavesNoWeights()
    {
        using TemporaryFolder temporary = new();
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(
            () => SyntheticModel.Write(temporary.Path, SyntheticConfigs.Small["gpt2-tied"], new(), cancellation: cancelled.Token));
        Assert.Empty(Directory.GetFiles(temporary.Path));
    }

    [Theory]
    [InlineData("gpt2-124m", 124_439_808)]
    [InlineData("qwen3-0.6b", 596_049_920)]
    [InlineData("tinyllama-1.1b", 1_100_048_384)]
    [InlineData("stories15m", 15_191_712)]
    public void PublishedShapesHaveThePublishedNumberOfParameters(string name, long expected)
        => Assert.Equal(expected, SyntheticTensors.Of(SyntheticConfigs.Published[name]).Sum(tensor => tensor.Shape.Aggregate(1L, (a, b) => a * b)));

    private static double Difference(double[] a, double[] b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max();
}

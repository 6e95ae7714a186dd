using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Tests.Inputs;

public class SafetensorsIndexTests
{
    private const string Index =
        """
        {
          "metadata": {"total_size": 24},
          "weight_map": {
            "a": "model-00001-of-00002.safetensors",
            "b": "model-00002-of-00002.safetensors",
            "c": "model-00001-of-00002.safetensors"
          }
        }
        """;

    private readonly List<ModelDiagnostic> diagnostics = [];

    [Fact]
    public void AnIndexNamesItsShardsOnce()
    {
        SafetensorsIndex index = Read(Index)!;

        Assert.Equal(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], index.Shards);
        Assert.Equal((5, 10), (index.Entries[1].Where.Line, index.Entries[1].Where.Column));
    }

    [Fact]
    public void TensorsOfAllShardsAreJoined()
    {
        EquatableArray<TensorInfo> tensors = Read(Index)!.Join([Tensor("c", 1), Tensor("a", 1), Tensor("b", 2)], diagnostics);

        Assert.Empty(diagnostics);
        Assert.Equal(["a", "b", "c"], tensors.Select(tensor => tensor.Name));
    }

    [Fact]
    public void AShardMustHoldWhatTheIndexSays()
    {
        Assert.Empty(Read(Index)!.Join([Tensor("a", 1), Tensor("b", 1), Tensor("c", 1)], diagnostics));

        Found.Single(diagnostics, "MC016", 5, 10, "found it in model-00001-of-00002.safetensors");
    }

    [Fact]
    public void NoTensorMayBeLost()
    {
        Assert.Empty(Read(Index)!.Join([Tensor("a", 1), Tensor("b", 2)], diagnostics));

        Found.Single(diagnostics, "MC016", 6, 10, "in no shard");
    }

    [Fact]
    public void NoTensorMayLieInTwoShards()
    {
        Assert.Empty(Read(Index)!.Join([Tensor("a", 1), Tensor("b", 2), Tensor("c", 1), Tensor("a", 2)], diagnostics));

        Found.Single(diagnostics, "MC016", 0, 0, "'a'");
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("..")]
    [InlineData("a/b.safetensors")]
    [InlineData("a\\\\b.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("C:b.safetensors")]
    [InlineData("b.safetensors:stream")]
    [InlineData("b\\u0000.safetensors")]
    [InlineData("b.safetensors ")]
    [InlineData("model.bin")]
    [InlineData("")]
    public void AShardMayNotLeaveTheFolder(string shard)
    {
        Assert.Null(Read(Index.Replace("model-00002-of-00002.safetensors", shard)));

        Found.Single(diagnostics, "MC015", 5, 10);
    }

    [Theory]
    [InlineData("MC003", "weight_map", "weights", 1, 1)]
    [InlineData("MC004", "\"model-00002-of-00002.safetensors\"", "2", 5, 10)]
    [InlineData("MC010", "\"b\"", "\"b\\\"\"", 5, 12)]
    public void AnIndexOfAnotherStructureIsRefused(string id, string text, string replacement, int line, int column)
    {
        Assert.Null(Read(Index.Replace(text, replacement)));

        Found.Single(diagnostics, id, line, column);
    }

    private static TensorInfo Tensor(string name, int shard)
        => new(name, TensorType.F32, new([2]), $"models/story/model-0000{shard}-of-00002.safetensors", 0, 8);

    private SafetensorsIndex? Read(string text) => SafetensorsIndex.Read(new TextFile("model.safetensors.index.json", text), diagnostics);
}

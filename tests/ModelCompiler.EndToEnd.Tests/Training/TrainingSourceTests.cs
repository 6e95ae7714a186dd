using System.Text.Json;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Runtime.Weights.Safetensors;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Synthesis;
using ModelCompiler.Tool.Training;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>What a training begins with.</summary>
public sealed class TrainingSourceTests : IDisposable
{
    private static readonly string[] Documents = ["the first text", "the second text"];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void TheConfigIsFilledFromTheTokenizer()
    {
        using TrainingSource source = Of(Config(""), "char");
        JsonElement config = JsonDocument.Parse(source.Inputs.Config.File.Text).RootElement;
        Assert.Equal(1 + "the firsxcond".Distinct().Count(), config.GetProperty("vocab_size").GetInt32());
        Assert.Equal((0, 0), (config.GetProperty("bos_token_id").GetInt32(), config.GetProperty("eos_token_id").GetInt32()));
        Assert.Equal(32, config.GetProperty("hidden_size").GetInt32());
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("\"vocab_size\": 14,", null)]
    [InlineData("\"vocab_size\": 512,", 512)]
    public void AModelHasAsManyTokensAsTheTokenizerThatIsMadeForIt(string line, int? replaced)
    {
        using TrainingSource source = Of(Config(line), "char");
        Assert.Equal((14, replaced), (source.Graph.Dimensions.Vocab, source.ReplacedVocabulary));
        Assert.Equal(14, TrainingConfig.Vocabulary(source.Inputs.Config.File));
    }

    /// <summary>A training that a version before began, which kept rows to spare, goes on with them; one that was begun without goes on without.</summary>
    [Theory]
    [InlineData(512)]
    [InlineData(14)]
    public void ATrainingGoesOnWithTheTokensThatItBeganWith(int vocab)
    {
        string checkpoint = Directory.CreateDirectory(folder.File("checkpoints/step-0000000001")).FullName;
        using (TrainingSource begun = Of(Config($"\"vocab_size\": {vocab},"), TokenizerFile()))
        using (SafetensorsWriter weights = new(Path.Combine(checkpoint, "model.safetensors"), [.. begun.Inputs.Tensors.Select(tensor => new TensorDeclaration(tensor.Name, "F32", [.. tensor.Shape]))]))
        {
            weights.Write(new byte[begun.Inputs.Tensors.Sum(tensor => tensor.LengthBytes)]);
            weights.Commit();
        }

        using TrainingSource resumed = Of(Config("\"vocab_size\": 512,"), "char", resume: true);
        Assert.Equal(vocab, resumed.Graph.Dimensions.Vocab);
        using TrainingSource anew = Of(Config("\"vocab_size\": 512,"), "char");
        Assert.Equal(14, anew.Graph.Dimensions.Vocab);
    }

    [Fact]
    public void TokensToSpareBesideAGivenTokenizerStay()
    {
        using TrainingSource source = Of(Config("\"vocab_size\": 512,"), TokenizerFile());
        Assert.Equal((512, null), (source.Graph.Dimensions.Vocab, source.ReplacedVocabulary));
    }

    [Theory]
    [InlineData("\"vocab_size\": 5,", "(2,15): error MC007: vocab_size: found 5, expected at least 14, the tokens of the tokenizer. Leave it out")]
    [InlineData("\"bos_token_id\": 1,", "(2,17): error MC007: bos_token_id: found 1, expected 0, '<|endoftext|>' of the tokenizer.")]
    [InlineData("\"vocab_size\": \"many\",", "(2,15): error MC004: vocab_size: found \"many\", expected a whole number")]
    public void WhatContradictsTheTokenizerIsRefused(string line, string expected)
        => Assert.Contains(expected, Assert.Throws<ModelException>(() => Of(Config(line), "char")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{\"model_type\": \"llama\"}", "MC003")]
    [InlineData("{\"model_type\": \"nothing\"}", "MC101")]
    public void AConfigThatIsNoModelIsRefusedWithoutAWordOfWeights(string config, string id)
    {
        ModelFindingsException fault = Assert.Throws<ModelFindingsException>(() => Of(config, "char"));
        Assert.Contains(fault.Diagnostics, diagnostic => diagnostic.Rule.Id == id);
        Assert.DoesNotContain(fault.Diagnostics, diagnostic => diagnostic.Rule == Catalogue.MissingTensor);
    }

    [Theory]
    [InlineData("qwen3-head24", "o_proj", "down_proj")]
    [InlineData("gpt2-untied", "attn.c_proj", "mlp.c_proj")]
    public void NumbersBeginAsGpt2sDo(string shape, params string[] residual)
    {
        string text = SyntheticConfigs.Small[shape];
        TensorInfo[] tensors = [.. SyntheticTensors.Of(text).Select(tensor => new TensorInfo(tensor.Name, TensorType.F32, tensor.Shape.ToEquatable(), "model.safetensors", 0, 0))];
        ModelGraph graph = ModelGraphBuilder.Build(new("model", new ModelConfig(new("config.json", text)), tensors.ToEquatable()), [])!;
        WeightInitialisation weights = new(graph, deviation: null, seed: 7);
        foreach (TensorInfo tensor in tensors)
        {
            float[] numbers = new float[tensor.Shape.Aggregate((product, size) => product * size)];
            float[] inTwo = new float[numbers.Length];
            weights.Make(tensor, 0, numbers);
            weights.Make(tensor, 0, inTwo.AsSpan(0, 5));
            weights.Make(tensor, 5, inTwo.AsSpan(5));
            Assert.Equal(numbers, inTwo);
            if (tensor.Shape.Count == 1)
            {
                Assert.All(numbers, number => Assert.Equal(tensor.Name.EndsWith(".bias", StringComparison.Ordinal) ? 0 : 1, number));
                continue;
            }

            double expected = residual.Any(part => tensor.Name.Contains(part, StringComparison.Ordinal)) ? 0.02 / Math.Sqrt(4) : 0.02;
            double found = Math.Sqrt(numbers.Average(number => (double)number * number));
            Assert.Equal(expected, found, expected * 0.06);
        }
    }

    [Fact]
    public void TheCurveIsAPicture()
    {
        TrainingLogEntry[] entries = [.. Enumerable.Range(1, 2000).Select(step => new TrainingLogEntry(step, 5 - Math.Log10(step), step % 500 == 0 ? 3 : null, 1, 1e-3, 1000))];
        LossCurve.Write(folder.File("loss.svg"), entries);
        string svg = File.ReadAllText(folder.File("loss.svg"));
        Assert.Contains("<svg", svg, StringComparison.Ordinal);
        Assert.Contains("validation loss", svg, StringComparison.Ordinal);
        Assert.True(svg.Length < 200_000, $"{svg.Length} characters");
    }

    [Fact]
    public void TheLogGoesOnBehindTheCheckpoint()
    {
        string path = folder.File("log.jsonl");
        using (TrainingLog log = new(path, 0))
        {
            for (int step = 1; step <= 5; step++)
            {
                log.Add(new(step, 10, step, 1, 0.1, 100, TimeSpan.Zero, null));
            }
        }

        File.AppendAllText(path, "{\"step\": 6, \"lo"); // killed
        using (TrainingLog log = new(path, keep: 3))
        {
            Assert.Equal(3, log.Entries.Count);
            log.Add(new(4, 10, 0.5, 1, 0.1, 100, TimeSpan.Zero, new HeldOutLoss(6, 3)));
        }

        Assert.Equal(4, File.ReadAllLines(path).Length);
        Assert.Contains("\"loss\":0.5,\"validation\":2", File.ReadAllLines(path)[3], StringComparison.Ordinal);
    }

    private static string Config(string line) => $$"""
        { "model_type": "llama",
        {{line}}
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-05, "hidden_act": "silu", "tie_word_embeddings": true }
        """;

    private string TokenizerFile()
    {
        File.WriteAllText(folder.File("tokenizer.json"), TokenizerChoice.Of("char", Documents, 0, 16, CancellationToken.None).Json);
        return folder.File("tokenizer.json");
    }

    private TrainingSource Of(string config, string tokenizer, bool resume = false)
    {
        string path = folder.File("config.json");
        File.WriteAllText(path, config);
        TrainerOptions options = new() { Steps = 1, Batch = 1, Context = 16, Resume = resume };
        return TrainingSource.Of(
            new(path, true, [], [], DocumentSplit.Auto, [], 0, tokenizer, 300, options, null, new(), folder.Path, false, ""), Documents, CancellationToken.None);
    }
}

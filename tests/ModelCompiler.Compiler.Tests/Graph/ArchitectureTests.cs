using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Tests.Graph;

public class ArchitectureTests
{
    [Fact]
    public void ALlamaLayerIsTheseOperations()
    {
        ModelGraph graph = SyntheticModel.Llama().BuildCleanly();

        Assert.Equal(
            [
                "Norm attentionInput 40", "Linear query 120", "Linear key 60", "Linear values 60", "Rope rotatedQuery 120",
                "Rope rotatedKey 60", "Attention attended 120", "Linear attentionOutput 40", "Add afterAttention 40",
                "Norm feedForwardInput 40", "Linear gate 56", "Activation activatedGate 56", "Linear up 56", "Multiply hidden 56",
                "Linear feedForwardOutput 40", "Add afterFeedForward 40",
            ],
            Layer(graph, 1));
        Assert.Equal("Embedding embedded 40", Name(graph.Operations[0]));
        Assert.Equal(["Norm normed 40", "Linear logits 97"], graph.Operations.TakeLast(2).Select(Name));
    }

    [Fact]
    public void ALlamaHasTheDimensionsOfItsConfig()
    {
        Dimensions dimensions = SyntheticModel.Llama().BuildCleanly().Dimensions;

        Assert.Equal(new Dimensions(40, 56, 2, 6, 3, 20, 97, 256, 1, new([2, 3])), dimensions);
    }

    [Fact]
    public void TheScoreScaleIsOneOverTheRootOfTheHeadSize()
    {
        Attention attention = Operations<Attention>(SyntheticModel.Llama()).First();

        Assert.Equal(1 / Math.Sqrt(20), attention.ScoreScale);
        Assert.Null(attention.Window);
        Assert.Null(attention.SoftCap);
    }

    [Fact]
    public void ATiedHeadIsTheEmbeddingTableItself()
    {
        SyntheticModel model = SyntheticModel.Llama().With("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
        ModelGraph graph = model.Without("lm_head.weight").BuildCleanly();

        Assert.Same(Assert.IsType<Embedding>(graph.Operations[0]).Table, Assert.IsType<Linear>(graph.Operations[^1]).Weight);
    }

    [Fact]
    public void BiasesOfALlamaAreReadWhereItsConfigAsksForThem()
    {
        SyntheticModel model = SyntheticModel.Llama(qkvBias: true).Set("\"attention_bias\": true, \"mlp_bias\": true");
        for (int layer = 0; layer < 2; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            model.Add(prefix + "self_attn.o_proj.bias", 40).Add(prefix + "mlp.gate_proj.bias", 56)
                .Add(prefix + "mlp.up_proj.bias", 56).Add(prefix + "mlp.down_proj.bias", 40);
        }

        Assert.All(Operations<Linear>(model).SkipLast(1), linear => Assert.NotNull(linear.Bias));
    }

    [Theory]
    [InlineData("\"sliding_window\": 32", 32)]
    [InlineData("\"sliding_window\": null", null)]
    [InlineData("\"sliding_window\": 4096", null)] // never filled by a context of 256
    [InlineData("\"attention_dropout\": 0.0", null)] // left out: 4096
    public void AMistralHasItsWindowInEveryLayer(string setting, int? window)
        => Assert.All(Operations<Attention>(SyntheticModel.Llama("mistral").Set(setting)), attention => Assert.Equal(window, attention.Window));

    [Theory]
    [InlineData("\"sliding_window\": 32", null, null)]
    [InlineData("\"use_sliding_window\": false, \"sliding_window\": 32, \"max_window_layers\": 0", null, null)]
    [InlineData("\"use_sliding_window\": true, \"sliding_window\": 32, \"max_window_layers\": 1", null, 32)]
    [InlineData("\"use_sliding_window\": true, \"sliding_window\": 32", null, null)] // from layer 28 on
    [InlineData("\"use_sliding_window\": true, \"sliding_window\": 32, \"layer_types\": [\"sliding_attention\", \"full_attention\"]", 32, null)]
    public void AQwen2HasAWindowInTheLayersThatItNames(string settings, int? first, int? second)
        => Assert.Equal(
            [first, second],
            Operations<Attention>(SyntheticModel.Llama("qwen2", qkvBias: true).Set(settings)).Select(attention => attention.Window));

    [Fact]
    public void AQwen2HasBiasesOnQueryKeyAndValues()
        => Assert.Equal(
            ["query", "key", "values", "query", "key", "values"],
            Operations<Linear>(SyntheticModel.Llama("qwen2", qkvBias: true)).Where(linear => linear.Bias is not null).Select(linear => linear.Output.Name));

    [Fact]
    public void AQwen3NormalisesEachHeadBeforeItTurns()
    {
        ModelGraph graph = SyntheticModel.Llama("qwen3", headNorms: true).BuildCleanly();

        Assert.Equal(
            ["Linear values 60", "Norm normedQuery 120", "Norm normedKey 60", "Rope rotatedQuery 120"],
            Layer(graph, 0).SkipWhile(name => name != "Linear values 60").Take(4));
        Assert.Equal([6, 3, 6, 3], graph.Operations.OfType<Norm>().Where(norm => norm.Groups > 1).Select(norm => norm.Groups));
    }

    [Theory]
    [InlineData("transformer.")]
    [InlineData("")]
    public void AGpt2LayerIsTheseOperations(string prefix)
    {
        ModelGraph graph = SyntheticModel.Gpt2(prefix).BuildCleanly();

        Assert.Equal(
            ["Embedding tokenEmbedding 36", "PositionEmbedding positionEmbedding 36", "Add embedded 36"],
            graph.Operations.Take(3).Select(Name));
        Assert.Equal(
            [
                "Norm attentionInput 36", "Linear query 36", "Linear key 36", "Linear values 36", "Attention attended 36",
                "Linear attentionOutput 36", "Add afterAttention 36", "Norm feedForwardInput 36", "Linear up 144", "Activation hidden 144",
                "Linear feedForwardOutput 36", "Add afterFeedForward 36",
            ],
            Layer(graph, 0));
        Assert.Empty(graph.RopeTables);
    }

    [Fact]
    public void TheFusedTensorOfAGpt2IsReadInThreeParts()
    {
        Linear[] parts = [.. Operations<Linear>(SyntheticModel.Gpt2()).Take(3)];

        Assert.Equal([0, 36, 72], parts.Select(part => part.Weight.FirstRow));
        Assert.Equal([0, 36, 72], parts.Select(part => part.Bias!.FirstRow));
        Assert.All(parts, part => Assert.True(part.Weight is { Transposed: true, Rows: 36, Columns: 36 }));
        Assert.Equal("transformer.h.0.attn.c_attn.weight:k", parts[1].Weight.Name);
        Assert.Single(parts.Select(part => part.Weight.Tensor).Distinct());
    }

    [Fact]
    public void TheHeadOfAGpt2IsTiedUnlessItsConfigSaysOtherwise()
    {
        ModelGraph tied = SyntheticModel.Gpt2().Add("lm_head.weight", 97, 36).BuildCleanly();
        ModelGraph untied = SyntheticModel.Gpt2().Add("lm_head.weight", 97, 36).Set("\"tie_word_embeddings\": false").BuildCleanly();

        Assert.Same(((Embedding)tied.Operations[0]).Table, ((Linear)tied.Operations[^1]).Weight);
        Assert.Equal("lm_head.weight", ((Linear)untied.Operations[^1]).Weight.Name);
    }

    [Theory]
    [InlineData("\"scale_attn_weights\": true", 0.28867513459481292, 0.28867513459481292)]
    [InlineData("\"scale_attn_weights\": false", 1, 1)]
    [InlineData("\"scale_attn_by_inverse_layer_idx\": true", 0.28867513459481292, 0.14433756729740646)]
    public void AGpt2ScalesItsScoresAsItsConfigSays(string setting, double first, double second)
        => Assert.Equal([first, second], Operations<Attention>(SyntheticModel.Gpt2().Set(setting)).Select(attention => attention.ScoreScale));

    [Theory]
    [InlineData("silu", ActivationKind.Silu)]
    [InlineData("swish", ActivationKind.Silu)]
    [InlineData("gelu", ActivationKind.GeluErf)]
    [InlineData("gelu_new", ActivationKind.GeluTanh)]
    [InlineData("gelu_pytorch_tanh", ActivationKind.GeluTanh)]
    [InlineData("gelu_fast", ActivationKind.GeluTanh)]
    [InlineData("quick_gelu", ActivationKind.QuickGelu)]
    [InlineData("relu", ActivationKind.Relu)]
    public void ActivationsHaveTheirPublishedNames(string name, ActivationKind kind)
        => Assert.All(Operations<Activation>(SyntheticModel.Llama().With("silu", name)), activation => Assert.Equal(kind, activation.Kind));

    [Fact]
    public void WhatAConfigDoesNotSayIsWhatItsFamilyUsuallyHas()
    {
        Dimensions dimensions = SyntheticModel.Gpt2().BuildCleanly().Dimensions;

        Assert.Equal(-1, dimensions.BeginToken); // 50256 is not among 97 tokens
        Assert.Empty(dimensions.EndTokens);
        Assert.Equal(144, dimensions.HiddenDim);
    }

    [Fact]
    public void BuffersThatOldCheckpointsHoldAreNotReported()
        => SyntheticModel.Gpt2().Add("transformer.h.0.attn.bias", 1, 1, 64, 64).Add("transformer.h.0.attn.masked_bias")
            .Change("transformer.h.0.attn.bias", tensor => tensor with { Type = TensorType.Unsupported, TypeName = "U8" })
            .BuildCleanly();

    private static IEnumerable<T> Operations<T>(SyntheticModel model) => model.BuildCleanly().Operations.OfType<T>();

    private static IEnumerable<string> Layer(ModelGraph graph, int layer)
        => graph.Operations.Where(operation => operation.Place.Layer == layer).Select(Name);

    private static string Name(Operation operation) => $"{operation.GetType().Name} {operation.Output.Name} {operation.Output.Width}";
}

using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>The gradient of every operation against differences.</summary>
public class OperationGradientTests
{
    private readonly TrainingSketch sketch = new();

    private static Place Place => TrainingSketch.Place;

    [Fact]
    public void Embeddings_of_tokens_and_positions()
    {
        Value tokens = sketch.Tokens(3);
        Value positions = sketch.Then(3, value => new PositionEmbedding(value, Place, sketch.Positions(2, 3), Offset: 2));
        sketch.Check(sketch.Then(3, value => new Add(value, Place, tokens, positions)));
    }

    [Fact]
    public void Linear_with_a_bias() => sketch.Check(sketch.Linear(sketch.Tokens(4), 3, bias: true));

    [Fact]
    public void A_value_that_is_read_several_times()
    {
        Value x = sketch.Tokens(3);
        Value twice = sketch.Then(3, value => new Add(value, Place, x, x));
        Value square = sketch.Then(3, value => new Multiply(value, Place, twice, twice));
        Value linear = sketch.Linear(twice, 3);
        Value product = sketch.Then(3, value => new Multiply(value, Place, linear, square));
        sketch.Check(sketch.Then(3, value => new Add(value, Place, product, x)));
    }

    [Fact]
    public void Scale() => sketch.Check(sketch.Then(3, value => new Scale(value, Place, sketch.Tokens(3), -1.5)));

    [Fact]
    public void Soft_cap_of_the_logits()
    {
        Value logits = sketch.Linear(sketch.Tokens(3), 5);
        sketch.CheckAt(sketch.Then(5, value => new SoftCap(value, Place, logits, 0.4)));
    }

    [Theory]
    [InlineData(NormKind.Rms, 1, true, false, 0)]
    [InlineData(NormKind.Rms, 1, true, false, 1)]
    [InlineData(NormKind.Rms, 3, true, false, 0)]
    [InlineData(NormKind.Rms, 2, false, false, 0)]
    [InlineData(NormKind.Layer, 1, true, true, 0)]
    [InlineData(NormKind.Layer, 1, true, false, 0)]
    [InlineData(NormKind.Layer, 2, true, true, 0)]
    [InlineData(NormKind.Layer, 1, false, false, 0)]
    public void Norms(NormKind kind, int groups, bool weight, bool bias, double weightOffset)
    {
        Value x = sketch.Tokens(12);
        Parameter? gain = weight ? sketch.Vector(12 / groups, "norm") : null;
        Parameter? shift = bias ? sketch.Vector(12 / groups) : null;
        sketch.Check(sketch.Then(12, value => new Norm(value, Place, x, kind, 1e-3, gain, shift, groups, weightOffset)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1.25)]
    public void Rope_of_a_part_of_each_head(double factor)
    {
        int table = sketch.Rope(new RopeTable(new[] { 1, 0.1 }.ToEquatable(), factor));
        Value x = sketch.Tokens(10);
        sketch.Check(sketch.Then(10, value => new Rope(value, Place, x, 2, 5, table)));
    }

    [Theory]
    [InlineData(2, 2, null, null)]
    [InlineData(4, 2, null, null)]
    [InlineData(4, 1, 2, null)]
    [InlineData(2, 1, null, 0.3)]
    [InlineData(6, 2, 3, 0.5)]
    public void Attention_with_grouped_queries_a_window_and_a_soft_cap(int heads, int kvHeads, int? window, double? softCap)
    {
        Value q = sketch.Tokens(heads * 3), k = sketch.Tokens(kvHeads * 3), v = sketch.Tokens(kvHeads * 3);
        sketch.Check(sketch.Then(heads * 3, value => new Attention(value, Place, q, k, v, heads, kvHeads, 3, 1.5, window, softCap)));
    }

    [Fact]
    public void Attention_whose_queries_keys_and_values_are_one()
    {
        Value x = sketch.Tokens(4);
        sketch.Check(sketch.Then(4, value => new Attention(value, Place, x, x, x, 2, 2, 2, 0.7)));
    }

    [Theory]
    [InlineData(ActivationKind.Silu)]
    [InlineData(ActivationKind.GeluTanh)]
    [InlineData(ActivationKind.GeluErf)]
    [InlineData(ActivationKind.QuickGelu)]
    [InlineData(ActivationKind.Relu)]
    public void Activations(ActivationKind kind)
    {
        Value x = sketch.Then(6, value => new Scale(value, Place, sketch.Tokens(6), 4)); // so that the functions bend
        sketch.Check(sketch.Then(6, value => new Activation(value, Place, x, kind)));
    }

    [Fact]
    public void An_operation_without_a_rule_is_named()
    {
        Value x = sketch.Then(3, value => new TokenEmbedding(value, Place, sketch.Matrix(5, 3), null, 0, 1));
        NotSupportedException refused = Assert.Throws<NotSupportedException>(() => Autodiff.Apply(sketch.Finish(x), TrainedParameters.All));
        Assert.Contains("'TokenEmbedding' has no gradient", refused.Message);
    }

    [Fact]
    public void Every_operation_of_a_mapped_graph_has_a_rule_and_a_fused_sum_keeps_its_factor()
    {
        Value x = sketch.Then(3, value => new Scale(value, Place, sketch.Tokens(3), 7));
        ModelGraph training = Autodiff.Apply(sketch.Finish(x), TrainedParameters.All);
        ModelGraph fused = PassList.Run(PassList.Training(TrainedParameters.All), sketch.Finish(x), Plan.PlannedModel.F32);
        Assert.Equal(2, training.Operations.OfType<Scale>().Count());
        Assert.Equal(7, fused.Operations.OfType<EmbeddingGradient>().Single().Factor);
        Assert.Empty(fused.Operations.OfType<Scale>());
    }
}

using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Tests.Plan;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>What the passes make of training graphs.</summary>
public class TrainingPassTests
{
    public static TheoryData<string> Models => TrainingModels.Names;

    [Fact]
    public void The_last_layer_of_a_llama_and_its_head_are_trained_by_these_operations()
        => Assert.Equal(
            [
                "Norm attentionInput ← afterFeedForward",
                "FusedLinear query key values ← attentionInput",
                "Rope rotatedQuery ← query",
                "Rope rotatedKey ← key",
                "Attention attended ← rotatedQuery rotatedKey values",
                "FusedLinear afterAttention ← attended afterFeedForward",
                "Norm feedForwardInput ← afterAttention",
                "KeptGatedLinear hidden gate up ← feedForwardInput",
                "FusedLinear afterFeedForward ← hidden afterAttention",
                "Norm normed ← afterFeedForward",
                "HeadLoss dNormed losses ← normed",
                "NormGradient dAfterFeedForward ← afterFeedForward dNormed",
                "NormParameterGradient dNormedParameters ← afterFeedForward dNormed",
                "FusedWeightGradient dFeedForwardOutputParameters ← hidden dAfterFeedForward",
                "FusedInputGradient dGate dUp ← dAfterFeedForward gate up",
                "FusedWeightGradient dGateParameters ← feedForwardInput dGate dUp",
                "FusedInputGradient dFeedForwardInput ← dGate dUp",
                "NormGradient dAfterAttention ← afterAttention dFeedForwardInput dAfterFeedForward",
                "NormParameterGradient dFeedForwardInputParameters ← afterAttention dFeedForwardInput",
                "FusedWeightGradient dAttentionOutputParameters ← attended dAfterAttention",
                "FusedInputGradient dAttended ← dAfterAttention",
                "AttentionGradient dRotatedQuery dRotatedKey dValues ← rotatedQuery rotatedKey values dAttended",
                "RopeGradient dKey ← dRotatedKey",
                "RopeGradient dQuery ← dRotatedQuery",
                "FusedWeightGradient dQueryParameters ← attentionInput dQuery dKey dValues",
                "FusedInputGradient dAttentionInput ← dQuery dKey dValues",
                "NormGradient dAfterFeedForward ← afterFeedForward dAttentionInput dAfterAttention",
                "NormParameterGradient dAttentionInputParameters ← afterFeedForward dAttentionInput",
            ],
            Fuse("llama").Operations.Where(operation => operation.Place.Layer == 1 || operation.Place.Section == Section.Head).Select(TrainingModels.Describe));

    [Theory]
    [MemberData(nameof(Models))]
    public void Nothing_is_left_that_should_be_fused(string model)
    {
        ModelGraph fused = Fuse(model);
        Assert.Single(fused.Operations.OfType<HeadLoss>());
        Assert.DoesNotContain(
            fused.Operations,
            operation => operation is Embedding or Add or Multiply or Linear or CrossEntropy or CrossEntropyGradient or LinearInputGradient or WeightGradient or GateGradient);
        Assert.DoesNotContain(fused.Operations, operation => operation.Outputs.Concat(operation.Inputs).Any(value => value.Id == fused.Logits.Id));
        Assert.Equal(fused.Parameters.ToHashSet(), fused.TrainedParameters.ToHashSet());
    }

    /// <summary>The fused graph, taken apart again, gives the gradients of the graph that it was made from, up to the order of sums.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Fused_operations_mean_what_they_were_made_from(string model)
        => SameGradients.Assert(TrainingModels.TrainingGraph(model), Unfusion.Apply(Fuse(model, recomputedLayers: 1)), new SeededParameters(), 1e-12);

    [Theory]
    [MemberData(nameof(Models))]
    public void Recomputed_layers_give_the_same_bits(string model)
    {
        ModelGraph kept = TrainingModels.TrainingGraph(model);
        for (int layers = 1; layers <= 2; layers++)
        {
            SameGradients.Assert(kept, TrainingModels.Verified(Recompute.Apply(kept, layers)), new SeededParameters(), tolerance: 0);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Of_a_recomputed_layer_only_what_leaves_it_is_read_later(string model)
    {
        ModelGraph graph = Recompute.Apply(TrainingModels.TrainingGraph(model), 1);
        HashSet<Value> written = [.. graph.Operations.Where(operation => operation.Place is { Layer: 0, Backward: false }).SelectMany(operation => operation.Outputs)];
        IEnumerable<Value> read = graph.Operations.Where(operation => operation.Place is { Layer: 0, Backward: true }).SelectMany(operation => operation.Inputs);
        Assert.DoesNotContain(read, written.Contains);
    }

    [Fact]
    public void A_recomputed_gate_is_kept_only_the_second_time()
    {
        ModelGraph graph = Fuse("llama", recomputedLayers: 1);
        Assert.Equal(new Place(0, Section.FeedForward), Assert.Single(graph.Operations.OfType<GatedLinear>()).Place);
        Assert.Equal(
            [new Place(1, Section.FeedForward), new Place(0, Section.FeedForward, Backward: true)], graph.Operations.OfType<KeptGatedLinear>().Select(gated => gated.Place));
    }

    /// <summary>Behind a norm dh is no product's: there is no tile of it to go on with.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_gradient_of_a_gate_joins_the_product_that_gives_dh_or_stays_as_it_is(bool hasNorm)
    {
        TrainingSketch sketch = new();
        Place place = TrainingSketch.Place;
        Value x = sketch.Tokens(4), gate = sketch.Linear(x, 6), up = sketch.Linear(x, 6);
        Value activated = sketch.Then(6, value => new Activation(value, place, gate, ActivationKind.Silu));
        Value hidden = sketch.Then(6, value => new Multiply(value, place, activated, up));
        Value output = hasNorm ? sketch.Then(6, value => new Norm(value, place, hidden, NormKind.Rms, 1e-3, sketch.Vector(6))) : hidden;
        ModelGraph fused = PassList.Run(
            PassList.Training(TrainedParameters.All), sketch.Finish(sketch.Linear(output, 4)), PlannedModel.F32, (_, graph) => TrainingModels.Verified(graph));

        Assert.Equal(hasNorm ? 0 : 1, fused.Operations.OfType<FusedInputGradient>().Count(product => product.Gate is not null));
        Assert.Equal(hasNorm ? 1 : 0, fused.Operations.OfType<ActivationGradient>().Count());
        Assert.Empty(fused.Operations.OfType<GateGradient>());
        GradientCheck.Run(Unfusion.Apply(fused), new SeededParameters(), TrainingSketch.Sequences);
    }

    [Fact]
    public void A_tied_table_gets_the_gradients_of_both_uses()
    {
        ModelGraph graph = Fuse("llama-tied");
        Parameter table = graph.Operations.OfType<TokenEmbedding>().Single().Table;
        Assert.Equal(
            ["HeadLoss", "EmbeddingGradient"],
            graph.Operations.Where(operation => operation.Targets.Contains(table)).Select(operation => operation.GetType().Name));
    }

    private static ModelGraph Fuse(string model, int recomputedLayers = 0)
        => PassList.Run(
            PassList.Training(TrainedParameters.All, recomputedLayers), TrainingModels.Graph(model), PlannedModel.F32, (_, graph) => TrainingModels.Verified(graph));
}

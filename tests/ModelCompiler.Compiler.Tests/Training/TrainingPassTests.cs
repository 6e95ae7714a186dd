using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Reference.Training;
using ModelCompiler.Compiler.Tests.Plan;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>What the passes make of training graphs.</summary>
public class TrainingPassTests
{
    public static TheoryData<string> Models => TrainingModels.Names;

    [Fact]
    public void A_llama_layer_is_trained_by_these_operations()
    {
        ModelGraph graph = Fuse("llama");
        foreach (var g in new[] { "llama", "qwen3", "gpt2" }) foreach (var op in Fuse(g, 1).Operations) TestContext.Current.TestOutputHelper!.WriteLine(TrainingModels.Describe(op));
    }

    /// <summary>The fused graph, taken apart again, gives the gradients of the graph that it was made from; each sum in the order of its parts.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void Fused_operations_mean_what_they_were_made_from(string model)
    {
        SeededParameters parameters = new();
        TrainingStep expected = new TrainingReference(TrainingModels.TrainingGraph(model), parameters).Run(TrainingModels.Sequences, 0.5);
        TrainingStep fused = new TrainingReference(Unfusion.Apply(Fuse(model, recomputedLayers: 1)), parameters).Run(TrainingModels.Sequences, 0.5);
        AssertNear(expected, fused, 1e-13);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Recomputed_layers_give_the_same_bits(string model)
    {
        SeededParameters parameters = new();
        ModelGraph kept = TrainingModels.TrainingGraph(model);
        TrainingStep expected = new TrainingReference(kept, parameters).Run(TrainingModels.Sequences);
        for (int layers = 1; layers <= 2; layers++)
        {
            ModelGraph recomputed = TrainingModels.Verified(Compiler.Passes.Training.Recompute.Apply(kept, layers));
            AssertNear(expected, new TrainingReference(recomputed, parameters).Run(TrainingModels.Sequences), 0);
        }
    }

    private static ModelGraph Fuse(string model, int recomputedLayers = 0)
        => PassList.Run(
            PassList.Training(TrainedParameters.All, recomputedLayers), TrainingModels.Graph(model), PlannedModel.F32, (_, graph) => TrainingModels.Verified(graph));

    private static void AssertNear(TrainingStep expected, TrainingStep actual, double tolerance)
    {
        Assert.Equal(expected.Losses, actual.Losses);
        Assert.Equal(expected.Gradients.Keys.ToHashSet(), actual.Gradients.Keys.ToHashSet());
        foreach ((Parameter parameter, double[] gradient) in expected.Gradients)
        {
            double[] other = actual.Gradients[parameter];
            double largest = gradient.Max(Math.Abs);
            for (int i = 0; i < gradient.Length; i++)
            {
                Assert.True(
                    gradient[i] == other[i] || Math.Abs(gradient[i] - other[i]) <= tolerance * Math.Max(largest, 1e-3),
                    $"{parameter.Name}[{i}]: {gradient[i]:R} and {other[i]:R}");
            }
        }
    }
}

using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Tests.Plan;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>Some parameters trained, others frozen: gradients of the first only, and the same as when all are trained.</summary>
public class FrozenParameterTests
{
    public static TheoryData<string, string> Choices => new()
    {
        { "llama", "norm" },
        { "llama", "q_proj" },
        { "llama-biased", ".bias" },
        { "qwen3", "layers.1." },
        { "llama", "lm_head" },
        { "llama", "up_proj" },
        { "llama-tied", "embed_tokens" },
        { "gpt2", "c_attn.weight:k" },
        { "gpt2", "wpe" },
    };

    [Theory]
    [MemberData(nameof(Choices))]
    public void Only_trained_parameters_get_gradients(string model, string part)
    {
        TrainedParameters trained = new(parameter => parameter.Name.Contains(part));
        ModelGraph graph = TrainingModels.TrainingGraph(model, trained);
        Assert.Equal(graph.Parameters.Where(trained.Contains).ToHashSet(), graph.TrainedParameters.ToHashSet());
        GradientCheck.Run(graph, new SeededParameters(), TrainingModels.Sequences);

        ModelGraph fused = PassList.Run(
            PassList.Training(trained, recomputedLayers: 1), TrainingModels.Graph(model), PlannedModel.F32, (_, each) => TrainingModels.Verified(each));
        SameGradients.Assert(graph, Unfusion.Apply(fused), new SeededParameters(), 1e-12);
    }

    [Theory]
    [MemberData(nameof(Choices))]
    public void Every_gradient_is_read_but_what_attention_gives_to_boot(string model, string part)
    {
        ModelGraph graph = TrainingModels.TrainingGraph(model, new TrainedParameters(parameter => parameter.Name.Contains(part)));
        HashSet<Value> read = [.. graph.Operations.SelectMany(operation => operation.Inputs)];
        Assert.All(
            graph.Operations.Where(operation => operation is { Place.Backward: true } and not ParameterGradient),
            operation => Assert.Contains(operation.Outputs, read.Contains));
    }

    [Fact]
    public void Below_the_lowest_trained_parameter_nothing_is_differentiated()
    {
        ModelGraph graph = TrainingModels.TrainingGraph("llama", new TrainedParameters(parameter => parameter.Name == "lm_head.weight"));
        Assert.Equal(["CrossEntropyGradient", "WeightGradient"], graph.Operations.Where(operation => operation.Place.Backward).Select(operation => operation.GetType().Name));
        HeadLoss head = PassList.Run(PassList.Training(new(parameter => parameter.Name == "lm_head.weight")), TrainingModels.Graph("llama"), PlannedModel.F32)
            .Operations.OfType<HeadLoss>().Single();
        Assert.Equal((0, true), (head.Output.Width, head.Trained));
    }

    [Fact]
    public void Parameters_in_different_memory_are_not_fused()
    {
        ModelGraph graph = PassList.Run(
            PassList.Training(new(parameter => parameter.Name.Contains("q_proj") || parameter.Name.Contains("up_proj"))), TrainingModels.Graph("llama"), PlannedModel.F32);
        Assert.Empty(graph.Operations.OfType<KeptGatedLinear>());
        HashSet<Parameter> trained = [.. graph.TrainedParameters];
        Assert.All(graph.Operations.OfType<FusedLinear>(), linear => Assert.Single(linear.Parts.Select(part => trained.Contains(part.Weight)).Distinct()));
        Assert.All(graph.Operations.OfType<FusedInputGradient>(), linear => Assert.Single(linear.Parts.Select(part => trained.Contains(part.Weight!)).Distinct()));
    }

    [Fact]
    public void To_train_nothing_is_refused()
        => Assert.Contains(
            "none of the 21 parameters", Assert.Throws<ArgumentException>(() => TrainingModels.TrainingGraph("llama", new TrainedParameters(_ => false))).Message);
}

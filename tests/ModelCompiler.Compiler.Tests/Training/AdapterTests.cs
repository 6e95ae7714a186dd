using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.Compiler.Tests.Plan;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>Low-rank adapters: their names, what they add, and that they alone are trained.</summary>
public class AdapterTests
{
    private const string Layer = "base_model.model.model.layers.1.";

    public static TheoryData<string, string[]> Models => new()
    {
        { "llama", ["q_proj", "v_proj"] },
        { "qwen3", ["self_attn.*", "gate_proj", "up_proj", "down_proj"] },
        { "gpt2", ["c_attn", "mlp.c_proj"] },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Only_adapters_are_trained_and_rightly(string model, string[] targets)
    {
        ModelGraph adapted = Adapt(model, targets);
        ModelGraph training = TrainingModels.Verified(Autodiff.Apply(adapted, InsertAdapters.Adapters));
        Assert.Equal(adapted.Parameters.Except(TrainingModels.Graph(model).Parameters).ToHashSet(), training.TrainedParameters.ToHashSet());
        GradientCheck.Run(training, new SeededParameters(), TrainingModels.Sequences);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Fused_operations_mean_what_they_were_made_from(string model, string[] targets)
    {
        SeededParameters parameters = new();
        ModelGraph adapted = Adapt(model, targets);
        ModelGraph training = Autodiff.Apply(adapted, InsertAdapters.Adapters);
        ModelGraph fused = PassList.Run(
            PassList.Training(InsertAdapters.Adapters, recomputedLayers: 1), adapted, PlannedModel.F32, (_, graph) => TrainingModels.Verified(graph));
        Assert.DoesNotContain(fused.Operations, operation => operation is Linear or LinearInputGradient or WeightGradient);
        SameGradients.Assert(training, Unfusion.Apply(fused), parameters, 1e-12);
    }

    [Fact]
    public void An_adapter_has_the_names_and_shapes_that_are_published()
    {
        Assert.Equal(
            [
                Layer + "self_attn.q_proj.lora_A.weight [3, 8]", Layer + "self_attn.q_proj.lora_B.weight [8, 3]",
                Layer + "self_attn.v_proj.lora_A.weight [3, 8]", Layer + "self_attn.v_proj.lora_B.weight [4, 3]",
            ],
            Published(Adapt("llama", "q_proj", "v_proj")).Where(name => name.StartsWith(Layer, StringComparison.Ordinal)));
    }

    [Fact]
    public void Parts_of_one_tensor_share_the_narrow_matrix_and_have_parts_of_the_wide_one()
    {
        ModelGraph graph = Adapt("gpt2", "c_attn");
        Assert.Equal(
            ["base_model.model.transformer.h.0.attn.c_attn.lora_A.weight [3, 8]", "base_model.model.transformer.h.0.attn.c_attn.lora_B.weight [24, 3]"],
            Published(graph).Take(2));
        Parameter[] parts = [.. graph.Parameters.Where(parameter => parameter.Name.Contains("h.0.attn.c_attn.lora_B"))];
        Assert.Equal([0, 8, 16], parts.Select(part => part.FirstRow));
        Assert.Equal(":k", parts[1].Name[^2..]);
        Assert.All(parts, part => Assert.Equal((8, 3, false), (part.Rows, part.Columns, part.Transposed)));
        Assert.Equal(2, graph.Operations.OfType<Scale>().Count()); // once in each layer
    }

    /// <summary>W x + α/r · B A x with W changed by α/r · B A is the same.</summary>
    [Fact]
    public void An_adapter_adds_a_multiple_of_B_A()
    {
        SeededParameters parameters = new();
        ModelGraph plain = TrainingModels.Graph("llama"), adapted = Adapt("llama", "down_proj");
        double[] expected = new ReferenceInterpreter(adapted, parameters).Run([1, 2, 3]);
        foreach (Linear wide in adapted.Operations.OfType<Linear>().Where(linear => linear.Weight.Name.Contains("lora_B")))
        {
            Parameter narrow = adapted.Parameters.Single(parameter => parameter.Name == wide.Weight.Name.Replace("lora_B", "lora_A"));
            Parameter weight = plain.Parameters.Single(parameter => wide.Weight.Name == $"base_model.model.{parameter.Name.Replace(".weight", "")}.lora_B.weight");
            float[] a = parameters.Of(narrow), b = parameters.Of(wide.Weight), w = parameters.Of(weight);
            for (int i = 0; i < w.Length; i++)
            {
                w[i] += (float)(6.0 / 3 * Enumerable.Range(0, 3).Sum(r => (double)b[(i / narrow.Columns * 3) + r] * a[(r * narrow.Columns) + (i % narrow.Columns)]));
            }
        }

        double[] merged = new ReferenceInterpreter(plain, parameters).Run([1, 2, 3]);
        Assert.All(expected.Zip(merged), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
    }

    [Fact]
    public void Below_the_first_adapter_nothing_is_differentiated()
    {
        ModelGraph training = Autodiff.Apply(Adapt("llama", "layers.1.mlp.down_proj"), InsertAdapters.Adapters);
        Assert.All(training.Operations.Where(operation => operation.Place.Backward), operation => Assert.True(operation.Place is { Section: Section.Head } or { Layer: 1, Section: Section.FeedForward }));
        Assert.Empty(training.Operations.OfType<AttentionGradient>());
        Assert.Single(training.Operations.OfType<NormGradient>());
    }

    [Fact]
    public void A_target_that_fits_nothing_is_named()
        => Assert.Contains("found the target 'q_prj', expected one of q_proj", Assert.Throws<ArgumentException>(() => Adapt("llama", "q_prj")).Message);

    [Fact]
    public void A_rank_is_at_least_one()
        => Assert.Contains("rank 0", Assert.Throws<ArgumentException>(() => InsertAdapters.Apply(TrainingModels.Graph("llama"), new AdapterOptions(0, 1, new(["q_proj"])))).Message);

    [Fact]
    public void Adapters_stay_in_f32_where_the_model_is_quantised()
    {
        ModelGraph fused = PassList.Run(
            PassList.Training(InsertAdapters.Adapters), Adapt("llama", "q_proj", "down_proj"), PlannedModel.Q4, (_, graph) => TrainingModels.Verified(graph));
        HashSet<Parameter> adapters = [.. fused.TrainedParameters];
        HashSet<Value> integers = [.. fused.Operations.OfType<Quantise>().Select(quantise => quantise.Output)];
        Assert.All(fused.Operations.OfType<FusedLinear>(), linear => Assert.NotEqual(adapters.Contains(linear.Parts[0].Weight), integers.Contains(linear.Input)));
        Assert.All(fused.Operations.OfType<FusedWeightGradient>(), gradient => Assert.DoesNotContain(gradient.Input, integers));
        Assert.Contains(fused.Operations.OfType<HeadLoss>().Single().Input, integers);
    }

    private static ModelGraph Adapt(string model, params string[] targets)
        => TrainingModels.Verified(InsertAdapters.Apply(TrainingModels.Graph(model), new AdapterOptions(3, 6, targets.ToEquatable())));

    private static IEnumerable<string> Published(ModelGraph graph) => graph.Parameters.Where(InsertAdapters.Adapters.Contains)
        .Select(parameter => parameter.Tensor).Distinct().Select(tensor => $"{tensor.Name} [{string.Join(", ", tensor.Shape)}]");
}

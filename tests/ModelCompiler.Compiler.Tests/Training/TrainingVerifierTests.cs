using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Tests.Plan;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>The verifier finds what a mistaken rule or pass does to a training graph that was right.</summary>
public class TrainingVerifierTests
{
    [Fact]
    public void The_losses_are_written() => Refused("MC110", "qwen3", graph => Without<CrossEntropy>(graph), "losses");

    [Fact]
    public void Gradients_are_written_before_they_are_read() => Refused("MC110", "qwen3", Without<CrossEntropyGradient>, "'dLogits'");

    [Fact]
    public void A_loss_is_one_number()
        => Refused<CrossEntropy>("MC112", "qwen3", loss => loss with { Output = loss.Output with { Width = 2 } }, "width 2, expected width 1");

    [Fact]
    public void The_gradient_of_logits_is_as_wide_as_they_are()
        => Refused<CrossEntropyGradient>("MC112", "qwen3", loss => loss with { Output = loss.Output with { Width = 10 } }, "expected width 10");

    [Fact]
    public void What_adds_to_parameters_writes_no_activation()
        => Refused<WeightGradient>("MC112", "qwen3", gradient => gradient with { Output = gradient.Output with { Width = 8 } }, "width 8, expected width 0");

    [Fact]
    public void The_gradient_of_a_matrix_has_its_shape()
        => Refused<WeightGradient>("MC113", "qwen3", gradient => gradient with { Input = gradient.OutputGradient }, "[11, 8], expected [11, 11]");

    [Fact]
    public void The_gradient_of_an_input_is_multiplied_with_a_matrix_that_fits()
        => Refused<LinearInputGradient>("MC113", "qwen3", gradient => gradient with { Weight = gradient.Weight with { Columns = 7 } }, "[11, 7]");

    [Fact]
    public void Gradients_are_of_parameters_that_the_model_reads()
        => Refused<EmbeddingGradient>("MC113", "gpt2", gradient => gradient with { Table = gradient.Table with { Name = "other" } }, "parameter 'other': found a gradient");

    [Fact]
    public void The_gradient_of_a_norm_is_as_wide_as_its_input()
        => Refused<NormGradient>("MC112", "qwen3", norm => norm with { Output = norm.Output with { Width = 4 } }, "of width 8, expected width 4");

    [Fact]
    public void The_gradient_of_a_norm_s_weight_has_the_length_of_a_group()
        => Refused<NormParameterGradient>("MC113", "qwen3", norm => norm with { Weight = norm.Weight! with { Rows = 3 } }, "[3, 1]");

    [Fact]
    public void Positions_are_as_many_as_the_context_holds()
        => Refused<PositionEmbeddingGradient>("MC113", "gpt2", positions => positions with { Offset = 1 }, "16 rows, expected at least 17");

    [Fact]
    public void The_gradient_of_a_rotation_knows_its_table()
        => Refused<RopeGradient>("MC114", "qwen3", rope => rope with { Forward = rope.Forward with { Table = 5 } }, "table 5");

    [Fact]
    public void The_gradients_of_attention_are_as_wide_as_what_it_reads()
        => Refused<AttentionGradient>("MC112", "qwen3", attention => attention with { KeyGradient = attention.KeyGradient with { Width = 6 } }, "expected width 6");

    [Fact]
    public void The_gradient_of_attention_is_of_one_that_is_well_formed()
        => Refused<AttentionGradient>("MC115", "qwen3", attention => attention with { Forward = attention.Forward with { Window = 0 } }, "window 0");

    [Fact]
    public void The_gradient_of_an_activation_is_as_wide_as_its_input()
        => Refused<ActivationGradient>("MC112", "qwen3", activation => activation with { Output = activation.Output with { Width = 1 } }, "expected width 1");

    [Fact]
    public void A_fused_head_gives_a_gradient_or_none()
        => RefusedFused<HeadLoss>("MC112", head => head with { Output = head.Output with { Width = 3 } }, "width 3, expected width 8");

    [Fact]
    public void A_kept_gate_is_as_wide_as_its_products()
        => RefusedFused<KeptGatedLinear>("MC112", gated => gated with { UpOutput = gated.UpOutput with { Width = 9 } }, "of width 9, expected width 10");

    [Fact]
    public void The_gradient_of_a_gate_is_as_wide_as_the_gate()
    {
        Pass[] passes = [.. PassList.Training(TrainedParameters.All).TakeWhile(pass => pass.Name != "fuse-epilogue")];
        ModelGraph alone = PassList.Run(passes, TrainingModels.Graph("qwen3"), PlannedModel.F32);
        Refused("MC112", alone, Once<GateGradient>(gate => gate with { UpGradient = gate.UpGradient with { Width = 9 } }), "of width 9, expected width 10");
        RefusedFused<FusedInputGradient>(
            "MC112", fused => fused with { Gate = fused.Gate! with { UpGradient = fused.Gate.UpGradient with { Width = 9 } } }, "of width 9, expected width 10");
    }

    [Fact]
    public void What_a_gate_s_gradient_goes_on_from_writes_what_the_gate_writes()
        => RefusedFused<FusedInputGradient>(
            "MC110", fused => fused with { Output = fused.Gate!.HiddenGradient }, "'dHidden' for its output, which it does not write, expected what it writes (value ");

    [Fact]
    public void A_fused_gradient_of_an_input_has_no_biases()
        => RefusedFused<FusedInputGradient>(
            "MC113", fused => fused with { Parts = fused.Parts.Select(part => part with { Bias = part.Weight }).ToEquatable() }, "with a bias, expected a matrix and no bias");

    [Fact]
    public void A_residual_is_as_wide_as_the_gradient()
        => RefusedFused<FusedInputGradient>("MC112", fused => fused with { Residual = fused.Parts[0].OutputGradient with { Width = 1 } }, "of width 1");

    [Fact]
    public void Each_part_of_a_fused_gradient_has_its_matrix_s_shape()
        => RefusedFused<FusedWeightGradient>(
            "MC113", fused => fused with { Parts = fused.Parts.Select(part => part with { Weight = part.Weight! with { Rows = 99 } }).ToEquatable() }, "[99, ");

    private static ModelGraph Without<T>(ModelGraph graph) => graph with { Operations = graph.Operations.Where(operation => operation is not T).ToEquatable() };

    private static void RefusedFused<T>(string id, Func<T, Operation> change, string expected)
        where T : Operation
        => Refused(id, PassList.Run(PassList.Training(TrainedParameters.All), TrainingModels.Graph("qwen3"), PlannedModel.F32), Once(change), expected);

    private static void Refused<T>(string id, string model, Func<T, Operation> change, string expected)
        where T : Operation
        => Refused(id, model, Once(change), expected);

    private static void Refused(string id, string model, Func<ModelGraph, ModelGraph> change, string expected)
        => Refused(id, TrainingModels.TrainingGraph(model), change, expected);

    private static void Refused(string id, ModelGraph graph, Func<ModelGraph, ModelGraph> change, string expected)
    {
        List<ModelDiagnostic> diagnostics = [];
        Assert.False(GraphVerifier.Verify(change(graph), new SourceSpan("config.json"), diagnostics));
        Assert.Contains(diagnostics, diagnostic => diagnostic.Rule.Id == id && diagnostic.Message.Contains(expected));
    }

    /// <summary>Changes the first operation of a type.</summary>
    private static Func<ModelGraph, ModelGraph> Once<T>(Func<T, Operation> change)
        where T : Operation
        => graph =>
        {
            T first = graph.Operations.OfType<T>().First();
            return graph with { Operations = graph.Operations.Select(operation => ReferenceEquals(operation, first) ? change(first) : operation).ToEquatable() };
        };
}

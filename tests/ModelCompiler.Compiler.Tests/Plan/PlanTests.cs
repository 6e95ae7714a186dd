using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Tests.Plan;

/// <summary>What must hold for the plan of any model.</summary>
public class PlanTests
{
    public static TheoryData<string> Names => PlannedModel.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void Packed_pieces_follow_each_other_without_overlap(string name)
    {
        foreach (string format in new[] { "f32", "f16", "bf16" })
        {
            PackedWeights weights = PlannedModel.Of(name, format).Weights;
            var pieces = weights.Matrices.Select(matrix => (matrix.OffsetBytes, matrix.LengthBytes))
                .Concat(weights.Vectors.Select(vector => (vector.OffsetBytes, vector.LengthBytes)))
                .OrderBy(piece => piece.OffsetBytes).ToList();
            long end = 0;
            foreach ((long offset, long length) in pieces)
            {
                Assert.Equal(0, offset % 64);
                Assert.InRange(offset - end, 0, 63);
                end = offset + length;
            }

            Assert.InRange(weights.LengthBytes - end, 0, 63);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_operation_reads_what_it_should(string name) => MemorySimulation.Run(PlannedModel.Of(name).Graph);

    [Theory]
    [MemberData(nameof(Names))]
    public void Scratch_of_a_worker_has_room_for_every_local_value(string name)
    {
        ModelPlan plan = PlannedModel.Of(name);
        foreach (ArenaBuffer buffer in plan.Stages.SelectMany(stage => stage.Operands).OfType<Slot>().Select(slot => slot.Buffer))
        {
            Assert.InRange(buffer.Offset + buffer.Stride, 16, plan.Scratch.ArenaFloatsPerRow);
            Assert.True(buffer.LocalOffset < 0 || buffer.LocalOffset + buffer.Stride <= plan.Scratch.LocalFloats);
            Assert.Equal(0, buffer.Stride % 16);
        }
    }

    /// <summary>What reads no other row is computed for the rows whose logits are asked for: all that follows the last attention.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Rows_are_dropped_once_behind_the_last_attention(string name)
    {
        ModelPlan plan = PlannedModel.Of(name);
        int last = Enumerable.Range(0, plan.Stages.Count).Last(i => plan.Stages[i].Kernel is AttentionKernel);
        Stage selecting = Assert.Single(plan.Stages, stage => stage.Kept.Count > 0);
        Assert.Same(plan.Stages[last + 1], selecting);
        Assert.Equal(["attended", "x"], selecting.Kept.Select(slot => slot.Name).Order());
        Assert.DoesNotContain(plan.Kernels, kernel => kernel is NormKernel { Selected: true });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Layers_of_one_shape_share_their_kernels(string name)
    {
        ModelPlan plan = PlannedModel.Of(name);
        Assert.Equal(plan.Kernels.Count(), plan.Kernels.Select(kernel => kernel.Name).Distinct().Count());
        int perLayer = plan.Stages.Where(stage => stage.Place.Layer == 0).Select(stage => stage.Kernel).Distinct().Count();
        Assert.InRange(plan.Kernels.Count(), 1, perLayer + 4); // embedding, last norm, head, and a first norm of its own
    }

    [Fact]
    public void A_tied_head_reads_the_embedding_table()
    {
        ModelPlan tied = PlannedModel.Of("gpt2-tied");
        Stage embedding = tied.Stages[0], head = tied.Stages[tied.Stages.Count - 1];
        Assert.Equal(embedding.Weights[0].OffsetBytes, head.Weights[0].OffsetBytes);

        ModelPlan untied = PlannedModel.Of("gpt2-untied");
        Assert.NotEqual(untied.Stages[0].Weights[0].OffsetBytes, untied.Stages[untied.Stages.Count - 1].Weights[0].OffsetBytes);
    }

    [Fact]
    public void The_hash_tells_layouts_apart_and_nothing_else()
    {
        Assert.Equal(PlannedModel.Of("gpt2-tied").Hash, PlannedModel.Of("gpt2-tied").Hash);
        string[] hashes = [.. new[] { "f32", "f16", "bf16" }.Select(format => PlannedModel.Of("gpt2-tied", format).Hash), PlannedModel.Of("gpt2-untied").Hash];
        Assert.Equal(4, hashes.Distinct().Count());
    }

    [Fact]
    public void A_residual_sum_is_written_in_place()
    {
        ModelPlan plan = PlannedModel.Of("llama-head20");
        Stage sum = plan.Stages.First(stage => stage.Kernel is LinearKernel { HasResidual: true });
        Assert.Equal(sum.Operands[1], sum.Operands[2]);
    }

    [Fact]
    public void An_unknown_format_is_named_with_those_that_there_are()
    {
        List<ModelDiagnostic> diagnostics = [];
        Assert.Null(ModelCompilation.Plan(PlannedModel.Inputs("tiny", PlannedModel.Configs["gpt2-tied"]), new PlanOptions("q3"), diagnostics));
        ModelDiagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal("MC201", diagnostic.Rule.Id);
        Assert.Contains("'q3'", diagnostic.Message);
        Assert.Contains("f32, f16, bf16", diagnostic.Message);
    }

    [Fact]
    public void Inner_dimensions_are_cut_until_a_panel_fits_the_cache()
    {
        LinearKernel down = PlannedModel.Of("gpt2-124m").Kernels.OfType<LinearKernel>().Single(kernel => kernel.Inputs == 3072);
        Assert.Equal(2, down.InputBlocks);
        Assert.InRange(down.Format.PanelBytes(down.BlockInputs, 64), 1, 512 * 1024);
        Assert.Equal(1, PlannedModel.Of("gpt2-124m", "bf16").Kernels.OfType<LinearKernel>().Single(kernel => kernel.Inputs == 3072).InputBlocks);
    }

    [Fact]
    public void A_format_that_unpacks_is_cut_as_float32_is_and_finds_room_behind_all_other_scratch()
    {
        ModelPlan plan = PlannedModel.Of("gpt2-124m", "f16"), other = PlannedModel.Of("gpt2-124m", "bf16");
        LinearKernel[] kernels = [.. plan.Kernels.OfType<LinearKernel>()];
        LinearKernel down = kernels.Single(kernel => kernel.Inputs == 3072);
        Assert.Equal(2, down.InputBlocks);
        Assert.All(kernels, kernel => Assert.Equal(other.Scratch.LocalFloats, kernel.UnpackOffset));
        Assert.All(kernels, kernel => Assert.InRange(kernel.UnpackFloats, kernel.BlockInputs * 64, plan.Scratch.LocalFloats - other.Scratch.LocalFloats));
        Assert.All(other.Kernels.OfType<LinearKernel>(), kernel => Assert.Null(kernel.UnpackOffset));
    }
}

using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Tests.Plan;

/// <summary>Formats by the names of matrices.</summary>
public class FormatChoiceTests
{
    [Theory]
    [InlineData("lm_head.weight", "lm_head.weight", true)]
    [InlineData("lm_head.weight", "lm_head", false)]
    [InlineData("lm_head.weight", "lm_head*", true)]
    [InlineData("model.layers.1.mlp.down_proj.weight", "*.down_proj.*", true)]
    [InlineData("model.layers.1.mlp.down_proj.weight", "*.layers.1.*.weight", true)]
    [InlineData("model.layers.11.mlp.down_proj.weight", "*.layers.1.*", false)]
    [InlineData("aba", "aba*aba", false)]
    [InlineData("ab", "*", true)]
    public void StarsStandForAnyCharacters(string name, string pattern, bool fits) => Assert.Equal(fits, FormatChoice.Fits(name, pattern));

    [Theory]
    [InlineData("f32", false)]
    [InlineData("bf16, lm_head.*=f16", false)]
    [InlineData("q4", true)]
    [InlineData("f32, lm_head.*=q8", true)]
    public void IntegersAmongTheFormatsAreSeen(string text, bool expected)
    {
        Assert.True(FormatChoice.TryParse(text, out FormatChoice? choice, out _));
        Assert.Equal(expected, choice!.HasBlocks);
    }

    [Fact]
    public void TheFirstPatternThatFitsCounts()
    {
        ModelPlan plan = PlannedModel.Of("llama-untied", "q4, *.0.*.q_proj.*=f32, *.q_proj.*=q8, lm_head.*=bf16");
        Assert.Equal("q4, *.0.*.q_proj.*=f32, *.q_proj.*=q8, lm_head.*=bf16", plan.Format);
        Assert.Equal(F32Format.Instance, FormatOf(plan, "model.layers.0.self_attn.q_proj.weight"));
        Assert.Equal(Q8Format.Instance, FormatOf(plan, "model.layers.1.self_attn.q_proj.weight"));
        Assert.Equal(Q4Format.Instance, FormatOf(plan, "model.layers.1.self_attn.k_proj.weight"));
        Assert.Equal(BF16Format.Instance, FormatOf(plan, "lm_head.weight"));
    }

    [Theory]
    [InlineData("q3", "MC201", "'q3'")]
    [InlineData("q4, lm_head.*=q3", "MC201", "'q3'")]
    [InlineData("q4, lm_head.*", "MC201", "'lm_head.*'")]
    [InlineData("q4, lmhead.*=q8", "MC204", "'lmhead.*'")]
    [InlineData("q4, *.up_proj.*=q8", "MC205", "up_proj.weight in q8")]
    public void WhatCannotBeGivenIsADiagnostic(string weights, string id, string found)
    {
        List<ModelDiagnostic> diagnostics = [];
        Assert.Null(ModelCompilation.Plan(PlannedModel.Inputs("tiny", PlannedModel.Configs["llama-untied"]), new PlanOptions(weights), diagnostics));
        ModelDiagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal(id, diagnostic.Rule.Id);
        Assert.Contains(found, diagnostic.Message);
    }

    [Fact]
    public void AValueIsQuantisedOnceForAllThatReadItSo()
    {
        ModelPlan plan = PlannedModel.Of("llama-untied", "q4, *.q_proj.*=q8");
        Stage[] layer = [.. plan.Stages.Where(stage => stage.Place is { Layer: 0, Section: Section.Attention })];
        Assert.Equal(["q4", "q4", "q8"], layer.Select(stage => stage.Kernel).OfType<QuantiseKernel>().Select(kernel => kernel.Format.Name).Order());
    }

    private static WeightFormat FormatOf(ModelPlan plan, string parameter)
        => plan.Weights.Matrices.Single(matrix => matrix.Parts.Any(part => part.Outputs.Any(segment => segment.Parameter.Name == parameter))).Format;
}

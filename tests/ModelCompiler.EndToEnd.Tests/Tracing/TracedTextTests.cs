using System.Text.RegularExpressions;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.EndToEnd.Tests.Emission;

namespace ModelCompiler.EndToEnd.Tests.Tracing;

/// <summary>What the option adds to the emitted text, and that it adds nothing else.</summary>
public partial class TracedTextTests
{
    /// <summary>Words that only taps have.</summary>
    [GeneratedRegex(@"Trace|Given|VectorsOnly|Tap\d|Probabilities|\bTap\(")]
    private static partial Regex Taps { get; }

    public static TheoryData<string, string> Models => new() { { "llama-head20", "f32" }, { "gpt2-tied", "q8" }, { "qwen3-head24", "bf16" }, { "mistral-window8", "q4" } };

    [Theory]
    [MemberData(nameof(Models))]
    public void WithoutTheOptionThereIsNoTap(string model, string format)
        => Assert.All(PlannedShapes.Emit(PlannedShapes.Plan(model, ConformanceConfigs.All[model], format)), file => Assert.DoesNotMatch(Taps, file.Text));

    /// <summary>
    /// Every line of the plain text is there, in its order, and nothing that computes was changed on the way. (Braces and blank lines say nothing by
    /// themselves.)
    /// </summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void WithTheOptionLinesAreAddedAndNoneChanged(string model, string format)
    {
        Dictionary<string, string> plain = Files(model, format, ModelFeatures.None), traced = Files(model, format, ModelFeatures.Trace);
        Assert.Equal(plain.Keys.Order(), traced.Keys.Order());
        int added = 0;
        foreach ((string name, string text) in plain)
        {
            if (name.Contains(".Math."))
            {
                continue; // functions in the order in which they are first asked for
            }

            string[] lines = Lines(traced[name]);
            int at = 0;
            foreach (string line in Lines(text))
            {
                int found = Array.IndexOf(lines, line, at);
                Assert.True(found >= 0, $"{name}: with the option there is no line '{line}' behind line {at}");
                added += found - at;
                at = found + 1;
            }
        }

        Assert.True(added > 50, $"{added} lines");
    }

    [Fact]
    public void BothReadOnePackedFile()
        => Assert.Equal(Plan("qwen2-biased", "q8", ModelFeatures.None).Hash, Plan("qwen2-biased", "q8", ModelFeatures.Trace).Hash);

    [Fact]
    public void TapsAreStagesOfThePlan()
    {
        ModelPlan plan = Plan("llama-head20", "f32", ModelFeatures.Trace);
        int layers = plan.Graph.Dimensions.Layers;
        Assert.Equal(Enumerable.Range(0, (2 * layers) + 2), plan.Stages.Where(stage => stage.Kernel is StateTapKernel).Select(stage => stage.Traced));
        Assert.Equal(Enumerable.Range(0, layers), plan.Stages.Where(stage => stage.Kernel is AttentionTapKernel).Select(stage => stage.Traced));
        Assert.All(plan.Stages.Where(stage => stage.Kernel is not TapKernel), stage => Assert.Equal(-1, stage.Traced));
        Assert.Null(Plan("llama-head20", "f32", ModelFeatures.None).Trace);
    }

    private static ModelPlan Plan(string model, string format, ModelFeatures features) => PlannedShapes.Plan(model, ConformanceConfigs.All[model], format, "f32", features);

    private static Dictionary<string, string> Files(string model, string format, ModelFeatures features)
        => PlannedShapes.Emit(Plan(model, format, features)).ToDictionary(file => file.HintName, file => file.Text);

    private static string[] Lines(string text) => [.. text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 1)];
}

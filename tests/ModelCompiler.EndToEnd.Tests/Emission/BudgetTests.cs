using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Emission;

/// <summary>
/// Contract 6: past 60,000 bytes of IL, 20,000 instructions, 2,000 basic blocks or 2,000 locals the JIT compiles a method without
/// optimising it, and says nothing. Emitted methods stay under a quarter of each.
/// </summary>
public class BudgetTests(ITestOutputHelper output)
{
    public static TheoryData<string, string, string> Cases =>
    [
        .. from model in new[] { "gpt2-124m", "qwen3-0.6b" } from format in WeightFormat.All select (model, format.Name, "f32"),
        .. from cache in CacheFormat.All where cache.Name != "f32" select ("qwen3-0.6b", "f32", cache.Name),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void EveryMethodStaysUnderAQuarterOfTheJitsLimits(string model, string format, string cache)
    {
        ModelPlan plan = PlannedShapes.Plan(model, SyntheticConfigs.Published[model], format, cache);
        IReadOnlyList<MethodSize> sizes = MethodSize.Of(EmittedAssembly.Compile("Budget", PlannedShapes.Emit(plan)));
        output.WriteLine($"{sizes.Count} methods");
        Check("bytes of IL", 60_000, size => size.IlBytes);
        Check("instructions", 20_000, size => size.Instructions);
        Check("basic blocks", 2_000, size => size.BasicBlocks);
        Check("locals", 2_000, size => size.Locals);

        void Check(string what, int limit, Func<MethodSize, int> measure)
        {
            MethodSize most = sizes.MaxBy(measure)!;
            output.WriteLine($"most {what}: {measure(most)} of {limit} in {most.Name}");
            Assert.True(measure(most) < limit / 4, $"{most.Name} has {measure(most)} {what}");
        }
    }

    [Fact]
    public void LayersOfGpt3ShareTheirKernels()
    {
        const int Layers = 96;
        const string Gpt3 = """
            {
              "model_type": "gpt2", "n_embd": 12288, "n_layer": 96, "n_head": 96, "n_positions": 2048, "n_ctx": 2048, "vocab_size": 50257,
              "layer_norm_epsilon": 1e-05, "activation_function": "gelu_new", "bos_token_id": 50256, "eos_token_id": 50256
            }
            """;
        ModelPlan plan = PlannedShapes.Plan("gpt3", Gpt3, "bf16");
        ModelPlan oneLayer = PlannedShapes.Plan("gpt3", Gpt3.Replace("\"n_layer\": 96", "\"n_layer\": 1"), "bf16");
        EquatableArray<GeneratedFile> files = PlannedShapes.Emit(plan);
        EquatableArray<GeneratedFile> few = PlannedShapes.Emit(oneLayer);

        Assert.Equal(oneLayer.Kernels.Select(kernel => kernel.Name), plan.Kernels.Select(kernel => kernel.Name));
        Assert.Equal(few.Count + Layers - 1, files.Count);
        output.WriteLine($"{files.Count} files, {files.Sum(file => file.Text.Length)} characters");
        foreach (GeneratedFile kernels in few.Where(file => file.HintName.Contains("Tiles") || file.HintName.Contains("Math")))
        {
            Assert.Equal(kernels.Text, files.Single(file => file.HintName == kernels.HintName).Text);
        }

        Assert.All(files.Where(file => file.HintName.Contains("Layer")), file => Assert.InRange(file.Text.Length, 1, 8_000));
    }
}

using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Onnx.Export;
using ModelCompiler.Tool.Inputs;

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>The theory of families, shapes and formats with ONNX Runtime's CPU as one more engine: its logits against the double-precision reference.</summary>
public class OnnxConformanceTests(ConformanceModels models, ExportedModels exported, ITestOutputHelper output)
{
    /// <summary>That of emitted code in float formats: the same float32 arithmetic, in another order.</summary>
    private const double Tolerance = 2e-5;

    private const int Length = ConformanceModels.LongestReference;

    public static TheoryData<string, string, OnnxOperators> Cases =>
    [
        .. from model in ConformanceModels.Cases
           where !model.Format.Contains('+')
           from operators in Enum.GetValues<OnnxOperators>()
           where operators == OnnxOperators.Standard || model.Format is "f32" or "q8" or "q4"
           select (model.Model, model.Format, operators),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void LogitsMeetTheReference(string model, string format, OnnxOperators operators)
    {
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(Length);
        double[] reference = Reference(emitted, tokens);
        foreach (int piece in (int[])[Length, 1, 50])
        {
            RowErrors errors = RowErrors.Of(exported.Logits(emitted, tokens, new(operators), piece), reference, emitted.Vocab);
            output.WriteLine($"pieces of {piece}: {errors}");
            Assert.True(errors.Overall < Tolerance, $"pieces of {piece}: {errors}");
        }

        OnnxLog.AssertEmpty(); // the runtime's own checks had nothing to say
    }

    /// <summary>Activations, keys and values in half precision: 11 bits instead of 24.</summary>
    [Theory]
    [InlineData("gpt2-tied", "f16", OnnxOperators.Standard)]
    [InlineData("qwen3-head24", "f16", OnnxOperators.Standard)]
    [InlineData("mistral-window8", "q8", OnnxOperators.Standard)]
    [InlineData("llama-biased", "f32", OnnxOperators.Standard)]
    [InlineData("gpt2-tied", "f16", OnnxOperators.Decomposed)]
    [InlineData("qwen3-head24", "q8", OnnxOperators.Decomposed)]
    [InlineData("mistral-window8", "q4", OnnxOperators.Gpu)]
    [InlineData("llama-biased", "f32", OnnxOperators.Gpu)]
    public void HalfPrecisionIsNear(string model, string format, OnnxOperators operators)
    {
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(Length);
        RowErrors errors = RowErrors.Of(exported.Logits(emitted, tokens, new(operators, OnnxActivations.F16), 50), Reference(emitted, tokens), emitted.Vocab);
        output.WriteLine(errors.ToString());
        Assert.True(errors.Overall < 5e-3, errors.ToString());
    }

    /// <summary>Products of queries and keys beyond 65,504, the largest number of half precision, that are within once they are scaled.</summary>
    [Theory]
    [InlineData(OnnxOperators.Decomposed)]
    [InlineData(OnnxOperators.Gpu)]
    public void ScoresMayBeTooLargeForHalfPrecisionBeforeTheyAreScaled(OnnxOperators operators)
    {
        using Inputs.TemporaryFolder folder = new();
        EmittedModel plain = models.Get("head128-group4", "f32");
        EmittedModel large = new(ChangedModel.Write(plain.Folder, folder.File("large"), (number, _) => number * 60, "layers.0.self_attn.q_norm.weight", "layers.0.self_attn.k_norm.weight"), "large", "f32", folder.Path);
        int[] tokens = large.Tokens(20);
        Attention attention = large.Plan.Graph.Operations.OfType<Attention>().First();
        double largest = LargestProduct(attention, large.ReferenceValues(tokens));
        output.WriteLine($"{largest}, scaled {largest * attention.ScoreScale}");
        Assert.True(largest > 65_504 && largest * attention.ScoreScale < 65_504);
        Assert.All(exported.Logits(large, tokens, new(operators, OnnxActivations.F16)), logit => Assert.True(float.IsFinite(logit)));
    }

    private static double LargestProduct(Attention attention, IReadOnlyDictionary<(int Layer, string Name), double[]> values)
    {
        double[] queries = values[(0, attention.Query.Name)], keys = values[(0, attention.Key.Name)];
        int d = attention.HeadDim, group = attention.Heads / attention.KvHeads, tokens = queries.Length / attention.Query.Width;
        double Product(int token, int position, int head)
            => Enumerable.Range(0, d).Sum(i => queries[(token * attention.Query.Width) + (head * d) + i] * keys[(position * attention.Key.Width) + (head / group * d) + i]);
        return Enumerable.Range(0, tokens).Max(token => Enumerable.Range(0, token + 1).Max(position => Enumerable.Range(0, attention.Heads).Max(head => Math.Abs(Product(token, position, head)))));
    }

    /// <summary>On the rounded weights, with inputs as they are: ONNX has the weights of a block format, not its rounding of inputs.</summary>
    private static double[] Reference(EmittedModel emitted, int[] tokens)
    {
        if (!emitted.HasBlocks)
        {
            return emitted.Reference(tokens.Length).ToArray();
        }

        using ModelFolder published = ModelFolder.Open(emitted.Folder);
        return new ReferenceInterpreter(emitted.Plan.Graph, new RoundedParameters(emitted.Plan.Weights, new PublishedParameters(published))).Run(tokens);
    }
}

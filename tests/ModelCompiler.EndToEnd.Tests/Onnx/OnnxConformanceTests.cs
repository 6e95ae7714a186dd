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
           where operators == OnnxOperators.Standard || model.Format == "f32" || (operators == OnnxOperators.Gpu && model.Format is "q8" or "q4")
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
    [InlineData("gpt2-tied", "f16")]
    [InlineData("qwen3-head24", "f16")]
    [InlineData("mistral-window8", "q8")]
    [InlineData("llama-biased", "f32")]
    public void HalfPrecisionIsNear(string model, string format)
    {
        EmittedModel emitted = models.Get(model, format);
        int[] tokens = emitted.Tokens(Length);
        RowErrors errors = RowErrors.Of(exported.Logits(emitted, tokens, new(Activations: OnnxActivations.F16), 50), Reference(emitted, tokens), emitted.Vocab);
        output.WriteLine(errors.ToString());
        Assert.True(errors.Overall < 5e-3, errors.ToString());
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

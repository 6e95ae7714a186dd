using ModelCompiler.Compiler.Formats;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Onnx;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>The same sessions and texts, with ONNX Runtime in the emitted code's place; on the CPU, where that can be tested anywhere.</summary>
public class OffloadTests(ConformanceModels models, ExportedModels exported)
{
    private const double Tolerance = 4e-5;

    [Theory]
    [InlineData("gpt2-tied")]
    [InlineData("mistral-window8")]
    [InlineData("qwen3-head24")]
    [InlineData("llama-llama3")]
    [InlineData("qwen2-biased")]
    public void SessionsDoWhatTheyDo(string name)
    {
        EmittedModel emitted = models.Get(name, "f32");
        int[] tokens = emitted.Tokens(90);
        float[] expected = emitted.Logits(tokens, Engines.Best);
        using CompiledModel model = Load(emitted, new OnnxOffload(exported.Get(emitted, new(ChooseLogits: true)).ModelPath) { PromptChunk = 16 });
        Assert.True(model.IsOffloaded);
        using Session session = model.CreateSession();
        Near(Rows(emitted, expected, 0, 50), session.Forward(tokens.AsSpan(0, 50), LogitsFor.All).ToArray());
        Near(Rows(emitted, expected, 50, 1), session.Forward(tokens.AsSpan(50, 1)).ToArray());
        Near(Rows(emitted, expected, 79, 1), session.Forward(tokens.AsSpan(51, 29)).ToArray());
        Assert.True(session.Forward(tokens.AsSpan(80, 2), LogitsFor.None).Rows == 0);
        session.Rewind(33);
        Near(Rows(emitted, expected, 33, 7), session.Forward(tokens.AsSpan(33, 7), LogitsFor.All).ToArray());
        using Session fork = session.Fork();
        session.Forward([0, 0, 0]);
        Near(Rows(emitted, expected, 40, 3), fork.Forward(tokens.AsSpan(40, 3), LogitsFor.All).ToArray());
        using Session other = model.CreateSession();
        model.Forward([new(fork, tokens.AsMemory(43, 4), LogitsFor.All), new(other, tokens.AsMemory(0, 9))]);
        Near(Rows(emitted, expected, 43, 4), fork.Logits.ToArray());
        Near(Rows(emitted, expected, 8, 1), other.Logits.ToArray());
        Assert.Equal(Write(emitted.Load(Engines.Best), tokens[..5]), Write(Load(emitted, new OnnxOffload(exported.Get(emitted).ModelPath)), tokens[..5]));
    }

    public static TheoryData<string, string> PromptCases =>
        [.. from model in new[] { "gpt2-tied", "llama-head20", "window70", "head80-group7", "head128-group4" } from cache in CacheFormat.All select (model, cache.Name)];

    [Theory]
    [MemberData(nameof(PromptCases))]
    public void PromptsElsewhereDecodingHere(string name, string cache)
    {
        EmittedModel plain = models.Get(name, "f32");
        EmittedModel emitted = cache == "f32" ? plain : models.Get(name, $"f32+{cache}");
        int[] tokens = emitted.Tokens(100);
        float[] expected = emitted.Logits(tokens, Engines.Best);
        OnnxOffload offload = new(exported.Get(plain).ModelPath) { Work = OffloadedWork.Prompts };
        using CompiledModel model = Load(emitted, offload), exact = Load(plain, offload);
        using Session session = model.CreateSession(), witness = exact.CreateSession();
        session.Forward(tokens.AsSpan(0, 83));
        witness.Forward(tokens.AsSpan(0, 83));
        AssertRounded(emitted, session, witness, 83, CacheFormat.Find(cache)!);

        // The prompt's own attention saw unrounded keys and values there: what rounding them costs shows in what follows.
        double tolerance = cache == "f32" ? Tolerance : 2e-2;
        Near(Rows(emitted, expected, 83, 1), session.Forward(tokens.AsSpan(83, 1)).ToArray(), tolerance);
        Near(Rows(emitted, expected, 84, 16), session.Forward(tokens.AsSpan(84, 16), LogitsFor.All).ToArray(), tolerance);
        session.Rewind(70);
        Near(Rows(emitted, expected, 70, 1), session.Forward(tokens.AsSpan(70, 1)).ToArray(), tolerance);
    }

    [Fact]
    public void TextAndSamplingAreUnchanged()
    {
        EmittedModel emitted = models.Open(ModelCompiler.Tests.SharedData.Require("models/stories260K"), "f32");
        int[] prompt = [1, 403, 407, 261, 378];
        GenerationOptions options = new() { Temperature = 0.8, TopP = 0.9, Seed = 7, MaxTokens = 40 };
        using CompiledModel here = emitted.Load(Engines.Best), there = Load(emitted, new OnnxOffload(exported.Get(emitted).ModelPath));
        Assert.Equal(here.GenerateTokens(prompt, options).ToArray(), there.GenerateTokens(prompt, options).ToArray());
    }

    private static CompiledModel Load(EmittedModel emitted, OnnxOffload offload) => emitted.Load(Engines.Best, offload: offload);

    private static int[] Write(CompiledModel model, int[] prompt)
    {
        using (model)
        {
            return [.. model.GenerateTokens(prompt, new GenerationOptions { Temperature = 0, MaxTokens = 20, IgnoreEndTokens = true })];
        }
    }

    /// <summary>What was carried over is what the format makes of the same numbers, bit by bit.</summary>
    private static void AssertRounded(EmittedModel emitted, Session session, Session exact, int positions, CacheFormat format)
    {
        ModelCompiler.Compiler.Graph.Dimensions d = emitted.Plan.Graph.Dimensions;
        float[] padded = new float[(d.HeadDim + 15) / 16 * 16];
        float[][] found = [new float[positions * d.KvHeads * d.HeadDim], new float[positions * d.KvHeads * d.HeadDim]];
        float[][] expected = [new float[found[0].Length], new float[found[0].Length]];
        for (int layer = 0; layer < d.Layers; layer++)
        {
            session.CopyCache(layer, found[0], found[1]);
            exact.CopyCache(layer, expected[0], expected[1]);
            foreach (float[] numbers in expected)
            {
                for (int head = 0; head < numbers.Length; head += d.HeadDim)
                {
                    Array.Clear(padded);
                    Array.Copy(numbers, head, padded, 0, d.HeadDim);
                    format.Round(padded);
                    for (int i = 0; i < d.HeadDim; i++)
                    {
                        numbers[head + i] = format.GroupSize > 0 ? padded[i] + 0f : padded[i]; // a code of 0 has no sign
                    }
                }
            }

            Bits.AssertEqual(expected[0], found[0], $"keys of layer {layer}");
            Bits.AssertEqual(expected[1], found[1], $"values of layer {layer}");
        }
    }

    private static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> found, double tolerance = Tolerance)
    {
        Assert.Equal(expected.Length, found.Length);
        RowErrors errors = RowErrors.Of(found, Array.ConvertAll(expected.ToArray(), number => (double)number), expected.Length);
        Assert.True(errors.Overall < tolerance, errors.ToString());
    }

    private static ReadOnlySpan<float> Rows(EmittedModel model, float[] logits, int first, int count) => logits.AsSpan(first * model.Vocab, count * model.Vocab);
}

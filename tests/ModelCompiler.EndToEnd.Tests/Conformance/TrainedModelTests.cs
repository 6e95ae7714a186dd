using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Tokenizers;
using Tokenizer = ModelCompiler.Runtime.Text.Tokenizer;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>Trained models, emitted and compiled: what they were trained for, and the text that another program writes from them.</summary>
public class TrainedModelTests(ConformanceModels models, ITestOutputHelper output)
{
    public static TheoryData<string, InstructionSet> Cases =>
        [.. from format in new[] { "f32", "f16", "bf16" } from instructionSet in Engines.All select (format, instructionSet)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void GptNanoSortSortsAll729Inputs(string format, InstructionSet instructionSet)
    {
        EmittedModel emitted = models.Open(SharedData.Require("models/gpt-nano-sort"), format);
        Engines.Require(instructionSet);
        using CompiledModel model = emitted.Load(instructionSet, threads: 2);
        for (int input = 0; input < 729; input++)
        {
            int[] digits = [.. Enumerable.Range(0, 6).Select(i => input / (int)Math.Pow(3, i) % 3)];
            Assert.Equal(digits.Order(), Greedy(model, digits, 6));
        }
    }

    /// <summary>The logits of that model's own PyTorch run, for its batch of three sequences.</summary>
    [Fact]
    public void GptNanoSortMeetsTheStoredLogits()
    {
        string folder = SharedData.Require("models/gpt-nano-sort");
        EmittedModel emitted = models.Open(folder, "f32");
        StoredTensors stored = new(Path.Combine(folder, "activations.safetensors"));
        int[] tokens = [.. stored["idx"].Select(token => (int)token)];
        float[] expected = stored["lm_head"];
        int length = stored.Shape("idx")[1];
        double scale = expected.Max(Math.Abs);
        foreach (InstructionSet instructionSet in Engines.Supported)
        {
            using CompiledModel model = emitted.Load(instructionSet, threads: 2);
            double largest = 0;
            for (int row = 0; row < tokens.Length; row += length)
            {
                using Session session = model.CreateSession();
                float[] logits = session.Forward(tokens.AsSpan(row, length), LogitsFor.All).ToArray();
                largest = Math.Max(largest, logits.Select((logit, i) => Math.Abs(logit - expected[(row * 3) + i])).Max() / scale);
            }

            output.WriteLine($"{instructionSet}: largest difference {largest:E2} of the largest logit");
            Assert.InRange(largest, 0, 2e-6);
        }
    }

    /// <summary>Positions 0 to 199 of llama2.c's run at temperature 0; in f32, which the file was written from.</summary>
    [Fact]
    public void Stories260KWritesTheStoryOfLlama2C()
    {
        string folder = SharedData.Require("models/stories260K");
        string story = File.ReadAllText(Path.Combine(folder, "story.txt"));
        byte[] packed = TokenizerPacker.Pack(File.ReadAllText(Path.Combine(folder, "tokenizer.json")), File.ReadAllText(Path.Combine(folder, "tokenizer_config.json")));
        Tokenizer tokenizer = new(packed);
        EmittedModel emitted = models.Open(folder, "f32");
        foreach (InstructionSet instructionSet in Engines.Supported)
        {
            using CompiledModel model = emitted.Load(instructionSet, threads: 2);
            int[] prompt = [.. tokenizer.Encode("Once upon a time")];
            string text = tokenizer.Decode([.. prompt, .. Greedy(model, prompt, 200 - prompt.Length)]);
            Assert.StartsWith(text.Trim(), story.Trim(), StringComparison.Ordinal);
            Assert.InRange(text.Trim().Length, story.Trim().Length - 20, story.Trim().Length);
        }
    }

    private static List<int> Greedy(CompiledModel model, ReadOnlySpan<int> prompt, int count)
    {
        using Session session = model.CreateSession();
        List<int> tokens = [];
        ReadOnlySpan<float> logits = session.Forward(prompt).Last;
        for (int i = 0; i < count; i++)
        {
            int[] next = [IndexOfLargest(logits)];
            tokens.Add(next[0]);
            if (i + 1 < count)
            {
                logits = session.Forward(next).Last;
            }
        }

        return tokens;
    }

    private static int IndexOfLargest(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            best = logits[i] > logits[best] ? i : best;
        }

        return best;
    }
}

using System.Text.Json;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>modelc perplexity, held to its definition written out a second time, and to what llama.cpp's tool finds.</summary>
public sealed class PerplexityTests(ConformanceModels models) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(16, null)]
    [InlineData(17, null)]
    [InlineData(4, null)]
    [InlineData(16, 5)]
    [InlineData(16, 15)]
    public void IsTheMeanOfTheScoredTokens(int length, int? stride)
    {
        using CompiledModel model = models.Get("llama-head20", "f32").Load(Engines.Supported.First());
        int[] tokens = [model.Description.BeginToken, .. Enumerable.Range(0, 100).Select(i => i * 31 % model.Description.Vocab)];
        PerplexityWindows cut = stride is { } step ? PerplexityWindows.Sliding(length, step) : PerplexityWindows.Apart(length);

        List<double> losses = [];
        int windows = 0;
        for (int start = 0; start + length <= tokens.Length; start += stride ?? length, windows++)
        {
            using Session session = model.CreateSession();
            int[] window = [model.Description.BeginToken, .. tokens[(start + 1)..(start + length)]];
            float[][] logits = [.. window.Select(token => session.Forward([token]).ToArray())];
            int scored = stride ?? (length - (length / 2) - 1);
            for (int i = length - scored; i < length; i++)
            {
                losses.Add(-Math.Log(Math.Exp(logits[i - 1][window[i]]) / logits[i - 1].Sum(logit => Math.Exp(logit))));
            }
        }

        List<int> told = [];
        Perplexity found = Perplexity.Measure(model, tokens, cut, sofar => told.Add(sofar.Windows), CancellationToken.None);
        Assert.Equal((windows, losses.Count), (found.Windows, found.Scored));
        Assert.Equal(Enumerable.Range(1, windows), told);
        Assert.Equal(losses.Average(), found.MeanLoss, 1e-9);
        double variance = losses.Average(loss => loss * loss) - Math.Pow(losses.Average(), 2);
        Assert.Equal(Math.Sqrt(variance / (losses.Count - 1)), found.LossError, 1e-9);
    }

    /// <summary>llama-perplexity -c 512 -fa off -ctk f32 -ctv f32 on a GGUF of this model in F32: 49.8115 after one window, 69.0988 after twelve.</summary>
    [Fact]
    public void MeetsLlamaCpp()
    {
        string model = SharedData.Require("models/stories260K");
        string text = File.ReadAllText(SharedData.Require("text/tinyshakespeare.txt"))[..20_000];
        folder.Write("text", text);
        string[] command = ["perplexity", model, "--text", folder["text"], "--context", "512", "--json", "--windows"];
        Assert.Equal(49.8115, Read("1").GetProperty("perplexity").GetDouble(), 1e-4);
        JsonElement twelve = Read("12");
        Assert.Equal(69.0988, twelve.GetProperty("perplexity").GetDouble(), 1e-4);
        Assert.Equal(4.09963, twelve.GetProperty("standardError").GetDouble(), 1e-4);
        Assert.Equal(12 * 255, twelve.GetProperty("scoredTokens").GetInt32());

        JsonElement Read(string windows) => JsonDocument.Parse(ChildProcess.Modelc([.. command, windows]).Expect(0).Output).RootElement;
    }

    [Fact]
    public void SaysWhatItCannotMeasure()
    {
        string model = folder.Synthesise("m");
        folder.Write("text", "a");
        Assert.StartsWith($"{folder["nothing"]}: error MC021: file: found no such file", ChildProcess.Modelc("perplexity", model, "--text", folder["nothing"]).Expect(1).Error);
        Assert.Contains("bytes that are not UTF-8", ChildProcess.Modelc("perplexity", model, "--text", Path.Combine(model, "model.safetensors")).Expect(1).Error);
        Assert.Contains("MC320: --context: found 300, expected 4 to 256, the model's context.", ChildProcess.Modelc("perplexity", model, "--text", folder["text"], "--context", "300").Expect(2).Error);
        Assert.Contains("MC320: --stride: found 16, expected less than the 16 ", ChildProcess.Modelc("perplexity", model, "--text", folder["text"], "--context", "16", "--stride", "16").Expect(2).Error);
        Assert.Contains("tokenizer.json: error MC", ChildProcess.Modelc("perplexity", model, "--text", folder["text"]).Expect(1).Error);
    }
}

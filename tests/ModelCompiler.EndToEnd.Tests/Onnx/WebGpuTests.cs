using System.Text.Json;
using ModelCompiler.EndToEnd.Tests.CommandLine;

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>
/// A GPU provider truly exercised: WebGPU, over software Vulkan where there is no GPU. Only on request: <c>WebGpu/setup.sh FOLDER</c> makes what it
/// needs, and these tests are there while <c>MODELCOMPILER_WEBGPU</c> names that folder.
/// </summary>
public sealed class WebGpuTests(ITestOutputHelper output) : IDisposable
{
    private readonly CommandLine.TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Families => ["llama-head20", "llama-llama3", "mistral-window8", "qwen2-biased", "qwen3-head24", "gpt2-tied"];

    public static TheoryData<string, string, string> Cases =>
    [
        .. from family in Families.Select(row => row.Data) from weights in (string[])["f32", "q4"] select (family, weights, "gpu"),
        ("gpt2-tied", "f16", "gpu"), ("llama-llama3", "bf16", "gpu"), ("qwen2-biased", "q8", "gpu"), ("mistral-window8", "f32", "standard"), ("qwen3-head24", "f32", "decomposed"),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void EveryFamilyAgrees(string family, string weights, string operators)
    {
        string model = folder.Synthesise("model", family);
        Finished run = WebGpu("verify", model, "--weights", weights, "--operators", operators, "--prompts", "1", "--length", "24", "--max-tokens", "0", "--onnx-profile", folder["profile"], "--json");
        output.WriteLine($"{family} {weights} {operators}: exit code {run.ExitCode}\n{run.Output}\n{run.Error}");
        using JsonDocument document = JsonDocument.Parse(run.Expect(0).Output);
        Assert.True(document.RootElement.GetProperty("agrees").GetBoolean());
        string[] onTheCpu = OperatorsOfTheCpu(Assert.Single(Directory.GetFiles(folder.Root, "profile_*.json")));
        output.WriteLine(string.Join(' ', onTheCpu));
        Assert.Equal(operators == "standard", onTheCpu.Contains("Attention"));
        if (operators == "gpu")
        {
            Assert.Empty(onTheCpu.Except(ForTheCpu));
        }
    }

    /// <summary>Sizes, the mask of which token sees which, and a row of a token table in integers: once in a run, however many layers.</summary>
    private static string[] ForTheCpu => ["Shape", "Gather", "Unsqueeze", "Concat", "Add", "Sub", "Neg", "Range", "LessOrEqual", "Greater", "And", "DequantizeLinear"];

    /// <summary>Keys and values in the device's memory, prompt and decode; and prompts there, decoding here.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void TextIsThatOfTheEmittedCode(string family)
    {
        string model = folder.Synthesise("model", family);
        string[] run = ["run", model, "--tokens", "5,9,30,11,60,2,7", "--temperature", "0", "--max-tokens", "20", "--ignore-end", "--json"];
        string expected = Tokens(ChildProcess.Modelc(run));
        Assert.Equal(expected, Tokens(WebGpu(run)));
        Assert.Equal(expected, Tokens(WebGpu([.. run, "--offload", "prompts"])));
    }

    private static string[] OperatorsOfTheCpu(string profile)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(profile));
        return [.. document.RootElement.EnumerateArray()
            .Where(entry => entry.TryGetProperty("args", out JsonElement of) && of.TryGetProperty("provider", out JsonElement provider) && provider.GetString() == "CPUExecutionProvider")
            .Select(entry => entry.GetProperty("args").GetProperty("op_name").GetString()!)
            .Distinct().Order(StringComparer.Ordinal)];
    }

    private static string Tokens(Finished run)
    {
        using JsonDocument document = JsonDocument.Parse(run.Expect(0).Output);
        return document.RootElement.GetProperty("tokens").ToString();
    }

    private static Finished WebGpu(params string[] arguments)
    {
        string rig = Environment.GetEnvironmentVariable("MODELCOMPILER_WEBGPU") ?? throw new InvalidOperationException("MODELCOMPILER_WEBGPU: found nothing, expected the folder that WebGpu/setup.sh filled.");
        return ChildProcess.Modelc([.. arguments, "--provider", "webgpu", "--library", Path.Combine(rig, "libonnxruntime.so")]);
    }
}

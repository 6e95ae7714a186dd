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

    [Theory]
    [MemberData(nameof(Families))]
    public void EveryFamilyAgrees(string family)
    {
        string model = folder.Synthesise("model", family);
        Finished run = WebGpu("verify", model, "--prompts", "1", "--json");
        output.WriteLine($"{family}: exit code {run.ExitCode}\n{run.Output}\n{run.Error}");
        using JsonDocument document = JsonDocument.Parse(run.Expect(0).Output);
        Assert.True(document.RootElement.GetProperty("agrees").GetBoolean());
    }

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

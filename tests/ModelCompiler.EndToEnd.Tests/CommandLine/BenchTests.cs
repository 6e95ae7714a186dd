using System.Text.Json;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>modelc bench as a process. Which numbers it finds is the machine's affair; that they are there, and what was measured, is ours.</summary>
public sealed class BenchTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void MeasuresAgainstTheMachine()
    {
        JsonElement found = Bench("--prompt-length", "600", "--gen-length", "4");
        Assert.All(
            ["loadSeconds", "firstTokenSeconds", "promptFlopsPerSecond", "decodeBytesPerSecond", "peakFlopsPerSecond", "peakReadBytesPerSecond", "weightsBytes", "cacheBytes"],
            name => Assert.True(found.GetProperty(name).GetDouble() > 0, name));
        Assert.Equal(0, found.GetProperty("residentBytes").GetInt64()); // the compilation would be counted
        Assert.Equal(600, found.GetProperty("askedPromptLength").GetInt32());
        Assert.Equal(256, found.GetProperty("prompt").GetProperty("tokens").GetInt32());
        Assert.Equal(4, found.GetProperty("decode").GetProperty("tokens").GetInt32());
    }

    [Fact]
    public void DecodesSeveralSequencesBehindAContext()
    {
        Bench();
        JsonElement found = Bench("--prompt-length", "0", "--gen-length", "5", "--depth", "70", "--batch", "3");
        Assert.Equal(JsonValueKind.Null, found.GetProperty("prompt").ValueKind);
        Assert.Equal(15, found.GetProperty("decode").GetProperty("tokens").GetInt32());
        Assert.Equal(70, found.GetProperty("depth").GetInt32());
        Assert.True(found.GetProperty("residentBytes").GetInt64() > 0 || !OperatingSystem.IsLinux());
    }

    [Fact]
    public void ADepthThatTheContextDoesNotHoldIsRefused()
    {
        string model = folder.Synthesise("m");
        Assert.Equal(
            "modelc: error MC320: --depth: found 256, expected at most 255: the model's context holds 256 tokens.",
            ChildProcess.Modelc("bench", model, "--depth", "256").Expect(2).Error.Split('\n')[0].Trim());
        Assert.Equal(1, Bench("--prompt-length", "2", "--gen-length", "0", "--depth", "255").GetProperty("prompt").GetProperty("tokens").GetInt32());
    }

    [Fact]
    public void NothingToMeasureIsUsage()
        => Assert.Contains("MC320: --prompt-length and --gen-length: ", ChildProcess.Modelc("bench", "DIR", "--prompt-length", "0", "--gen-length", "0").Expect(2).Error);

    private JsonElement Bench(params string[] options)
    {
        string model = Directory.Exists(folder["m"]) ? folder["m"] : folder.Synthesise("m");
        Finished bench = ChildProcess.Modelc(["bench", model, "--json", "--repeat", "1", "--threads", "1", .. options]).Expect(0);
        return JsonDocument.Parse(bench.Output).RootElement;
    }
}

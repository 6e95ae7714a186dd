using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>bench/ModelCompiler.Compare as a process, beside a stand-in for llama-bench: what it runs, what it writes, what it says when something is missing.</summary>
public sealed class CompareTests : IDisposable
{
    private const string Plan = """{ "speeds": [ { "name": "Small", "model": "m", "weights": "bf16", "gguf": "m-BF16.gguf", "prompt": 300, "gen": 4, "repeat": 1 } ], "starts": [] }""";

    // What llama-bench -o json writes, as far as it is read; the arguments end up in a file.
    private const string Bench = """
        #!/bin/sh
        echo "$@" >> "$(dirname "$0")/arguments"
        echo '[ {"build_commit": "abc1234", "backends": "CPU", "model_size": 1000000, "type_k": "f16", "n_prompt": 256, "n_gen": 0, "samples_ts": [0.001, 0.003, 0.002]},
                {"build_commit": "abc1234", "backends": "CPU", "model_size": 1000000, "type_k": "f16", "n_prompt": 0, "n_gen": 4, "samples_ts": [1e12]} ]'
        """;

    private readonly TemporaryFolder folder = new();

    public CompareTests()
    {
        folder.Write("plan.json", Plan);
        folder.Write("m-BF16.gguf", "");
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void MeasuresInTurnsAndMarksLosses()
    {
        Script("llama-bench", Bench);
        folder.Synthesise("m");
        Finished first = Compare("--llama-bench", folder["llama-bench"], "--rounds", "1", "-o", folder["result"]).Expect(0);
        Assert.Matches(@"Small +│ bf16 +│ prompt 256 ", first.Output);

        Compare("--llama-bench", folder["llama-bench"], "--rounds", "2", "-o", folder["result"], "--add").Expect(0);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(folder["result.json"]));
        JsonElement[] rounds = [.. json.RootElement.GetProperty("speeds")[0].GetProperty("rounds").EnumerateArray()];
        Assert.Equal(
            ["ModelCompiler llama.cpp", "llama.cpp ModelCompiler", "ModelCompiler llama.cpp"],
            rounds.Select(round => string.Join(' ', round.GetProperty("byEngine").EnumerateObject().Select(engine => engine.Name))));
        Assert.Equal(0.002, rounds[0].GetProperty("byEngine").GetProperty("llama.cpp").GetProperty("promptTokensPerSecond").GetDouble());

        // The second program gets the lengths that the first one's context holds.
        string[] asked = File.ReadAllLines(folder["arguments"]);
        Assert.Equal(3, asked.Length);
        Assert.All(asked, line => Assert.Contains(" -p 256 -n 4 -d 0 -t 1 -r 1 -o json", line));

        string[] table = [.. File.ReadAllLines(folder["result.md"]).Where(line => line.StartsWith('|'))];
        Assert.DoesNotContain("▼", table.Single(line => line.Contains("prompt 256")));
        Assert.Contains("▼", table.Single(line => line.Contains("decode 4")));
        Assert.DoesNotContain(folder.Root, File.ReadAllText(folder["result.md"]));
    }

    [Fact]
    public void OnnxRuntimeIsOneMoreEngine()
    {
        folder.Write("plan.json", """{ "speeds": [ { "name": "Small", "model": "m", "weights": "f32", "prompt": 20, "gen": 4, "repeat": 1, "onnx": true } ], "starts": [] }""");
        folder.Synthesise("m");
        Compare("--onnx", "cpu", "--rounds", "1", "-o", folder["result"]).Expect(0);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(folder["result.json"]));
        JsonElement found = json.RootElement.GetProperty("speeds")[0].GetProperty("rounds")[0].GetProperty("byEngine").GetProperty("ONNX Runtime");
        Assert.True(found.GetProperty("promptTokensPerSecond").GetDouble() > 0);
        Assert.True(found.GetProperty("decodeTokensPerSecond").GetDouble() > 0);
        Assert.Contains("ONNX Runtime 1.31.1 cpu", found.GetProperty("version").GetString());
    }

    [Fact]
    public void TheTimeToTheFirstByteIsComparedToo()
    {
        Script("slow", "#!/bin/sh\nsleep 0.3\necho token\n");
        Script("fast", "#!/bin/sh\necho token\nsleep 0.3\n");
        folder.Write("plan.json", """{ "speeds": [], "starts": [ { "name": "Small", "ours": ["./slow"], "theirs": ["./fast", "an argument"] } ] }""");
        Compare("--starts", "3", "-o", folder["result"]).Expect(0);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(folder["result.json"]));
        JsonElement start = json.RootElement.GetProperty("starts")[0];
        Assert.All(start.GetProperty("ourSeconds").EnumerateArray(), seconds => Assert.InRange(seconds.GetDouble(), 0.3, 10));
        Assert.Equal(3, start.GetProperty("theirSeconds").GetArrayLength());
        Assert.True(start.GetProperty("ourResidentBytes").GetInt64() > 0);
        Assert.Contains("▼", File.ReadAllText(folder["result.md"]));
    }

    [Fact]
    public void SaysWhatIsMissing()
    {
        Script("fails", "#!/bin/sh\necho 'the model is of an unknown kind' >&2\nexit 3\n");
        Script("babbles", "#!/bin/sh\necho 'tokens per second: many'\n");
        folder.Write("text", "no program");
        ErrorOf("--llama-bench: ", "found no such file", "--llama-bench", folder["nothing"]);
        ErrorOf("expected a model. For one with random weights: modelc synth", "found no such folder", "--llama-bench", folder["fails"]);
        folder.Synthesise("m");
        ErrorOf("the model is of an unknown kind", "found exit code 3, expected 0", "--llama-bench", folder["fails"]);
        ErrorOf("tokens per second: many", "cannot be read as llama-bench writes it", "--llama-bench", folder["babbles"]);
        ErrorOf("found a file that cannot be run", "permission to execute", "--llama-bench", folder["text"]);
        ErrorOf("--only: found no pair with 'other'", "expected one of: m-bf16.", "--only", "other");
        File.Delete(folder["m-BF16.gguf"]);
        ErrorOf("m-BF16.gguf: found no such file", "llama-quantize", "--llama-bench", folder["fails"]);
        folder.Write("plan.json", """{ "speeds": [ { "name": "Small", "model": "m", "wieghts": "bf16" } ], "starts": [] }""");
        ErrorOf("plan.json(1): ", "wieghts");
    }

    /// <summary>One that is older may lack what is read now.</summary>
    [Fact]
    public void AModelcOfAnotherBuildIsToldByBothVersions()
    {
        Script("dotnet", """
            #!/bin/sh
            echo '{"version": "0.0.9+abc", "runtime": ".NET 10"}'
            """);
        folder.Synthesise("m");
        string error = Compare(("DOTNET_HOST_PATH", folder["dotnet"]), "--rounds", "1").Expect(1).Error;
        string? own = FileVersionInfo.GetVersionInfo(Path.Combine(AppContext.BaseDirectory, "modelc.dll")).ProductVersion;
        Assert.NotNull(own);
        Assert.Matches($@"found the output of another build of modelc \(0\.0\.9\+abc\), which lacks what this program reads \(no \w+\), expected that of {Regex.Escape(own)};", error);
    }

    [Fact]
    public void RoundsWhoseRatesCountOtherWorkAreNotAddedTo()
    {
        Script("program", "#!/bin/sh\necho token\n");
        folder.Write("plan.json", """{ "speeds": [], "starts": [ { "name": "Small", "ours": ["./program"], "theirs": ["./program"] } ] }""");
        Compare("--starts", "1", "-o", folder["result"]).Expect(0);
        Compare("--starts", "1", "-o", folder["result"], "--add").Expect(0);
        string json = File.ReadAllText(folder["result.json"]);
        File.WriteAllText(folder["result.json"], json.Replace("\"version\": 2,", ""));
        ErrorOf("result.json: found rounds of version 0", "expected version 2", "--starts", "1", "-o", folder["result"], "--add");
    }

    private void ErrorOf(string expected, string alsoExpected, params string[] options)
    {
        string error = Compare(["--rounds", "1", .. options]).Expect(1).Error;
        Assert.Contains("compare: error: ", error);
        Assert.Contains(expected, error);
        Assert.Contains(alsoExpected, error);
    }

    private Finished Compare(params string[] options) => Compare(("LC_ALL", "C"), options);

    private Finished Compare((string Name, string Value) variable, params string[] options)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The stand-ins are shell scripts.");
        return ChildProcess.DotnetWith(
            variable, folder.Root, [Path.Combine(AppContext.BaseDirectory, "compare.dll"), folder["plan.json"], "--models", folder.Root, "--gguf", folder.Root, "--threads", "1", .. options]);
    }

    private void Script(string name, string text)
    {
        folder.Write(name, text.ReplaceLineEndings("\n"));
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder[name], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}

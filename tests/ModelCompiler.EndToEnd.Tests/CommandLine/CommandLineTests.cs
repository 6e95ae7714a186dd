using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Commands;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>modelc as a process: what it writes where, and with which exit code it ends.</summary>
public sealed class CommandLineTests : IDisposable
{
    private static readonly string HelloModel = Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel", "models", "hello");

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void HelpNamesEveryCommand()
    {
        Finished help = ChildProcess.Modelc("--help").Expect(0);
        Assert.All(["inspect", "pack", "compile", "run", "logits", "bench", "perplexity", "synth"], command => Assert.Contains($"\n  {command} <DIR>", help.Output.ReplaceLineEndings("\n")));
        Assert.Contains("\n  cache ", help.Output.ReplaceLineEndings("\n"));
        Assert.Empty(help.Error);
        Assert.Contains("--temperature", ChildProcess.Modelc("run", "--help").Expect(0).Output);
        Assert.Matches(@"^\d+\.\d+\.\d+", ChildProcess.Modelc("--version").Expect(0).Output);
    }

    [Fact]
    public void AFileInAFolderThatDoesNotExistIsRefusedBeforeAnything()
        => Assert.StartsWith(
            $"modelc: error MC320: --output: found no folder '{folder["none"]}', expected one that exists for 'm.onnx'.",
            ChildProcess.Modelc("export", "DIR", "-o", Path.Combine(folder["none"], "m.onnx")).Expect(2).Error);

    [Fact]
    public void AFileOfTheModelItselfIsRefusedUnderAnyName()
    {
        folder.Write(Path.Combine("m", "model.safetensors"), "");
        File.CreateSymbolicLink(folder["link"], Path.Combine("m", "model.safetensors"));
        foreach (string path in (string[])[folder["link"], folder[Path.Combine("m", "model.safetensors")], folder[Path.Combine("m", "new.json")]])
        {
            Assert.Equal($"--output: found '{path}', a file of the model itself, expected another one.", Assert.Throws<UsageException>(() => Symbols.OutputFile(path, folder["m"])).Message);
        }

        File.CreateSymbolicLink(folder[Path.Combine("m", "loop.json")], "loop.json"); // no fault of the output's
        Assert.Equal(folder[Path.Combine("m", "m.onnx")], Symbols.OutputFile(folder[Path.Combine("m", "m.onnx")], folder["m"]));
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Devices are told apart on Linux.");
        Assert.Equal("--output: '/dev/full': found a device, expected a file or nothing there. Name another place.", Assert.Throws<UsageException>(() => Symbols.OutputFile("/dev/full", folder["m"])).Message);
    }

    [Fact]
    public void AFileInPlaceOfAFolderIsRefusedBeforeAnything()
    {
        folder.Write("file", "");
        string found = $"found the file '{folder["file"]}', expected ";
        void Refused(string symbol, Action action) => Assert.StartsWith($"{symbol}: {found}", Assert.Throws<UsageException>(action).Message);
        Refused("--output", () => Symbols.OutputFolder(folder["file"]));
        Refused("DIR", () => Symbols.OutputFolder(folder[Path.Combine("file", "a", "b") + Path.DirectorySeparatorChar], "DIR"));
        Refused("--output", () => Symbols.OutputFile(folder[Path.Combine("file", "m.onnx")], "DIR"));
        Refused("--adapter", () => Symbols.AdapterChoice(folder["file"], merge: false));
        Assert.Equal(folder["new"], Symbols.OutputFolder(folder["new"]));
        Assert.Equal(folder.Root, Symbols.OutputFolder(folder.Root));
        foreach (string[] command in (string[][])[["compile", "DIR", "-o", folder["file"]], ["synth", folder["file"], "--like", "llama-head20"]])
        {
            Assert.Contains(found + "a folder. Name another place.", ChildProcess.Modelc(command).Expect(2).Error);
        }
    }

    [Fact]
    public void FoldersThatAreEasilyTakenForModelsAreToldApart()
    {
        folder.Write(Path.Combine("adapter", "adapter_config.json"), """{ "base_model_name_or_path": "models/story" }""");
        folder.Write(Path.Combine("unfinished", "checkpoints", "step-0000000040", "training.json"), "{}");
        string Inspect(string name) => ChildProcess.Modelc("inspect", folder[name]).Expect(1).Error;
        Assert.Contains($"error MC021: model: found a low-rank adapter (adapter_config.json), expected the folder of a model: config.json and *.safetensors. Give the folder of the model that it was trained over ('models/story')", Inspect("adapter"));
        Assert.Contains("error MC021: model: found a training that is not finished (its last checkpoint is step-0000000040), ", Inspect("unfinished"));
        Assert.Contains("error MC021: model: found a checkpoint of a training (training.json), ", Inspect(Path.Combine("unfinished", "checkpoints", "step-0000000040")));
    }

    /// <summary>On a terminal: what is being done while it is, then the prompt and what is written behind it.</summary>
    [Fact]
    public void APersonSeesProgressAndReadsOnFromThePrompt()
    {
        string seen = OnATerminal(80, "run", HelloModel, "-p", "The goldsmith", "--temperature", "0", "-n", "5");
        Assert.Contains("compiling, which is kept for the next time …", seen);
        Assert.Contains("\rThe goldsmith melts the gold over", seen);
    }

    /// <summary>Numbers and names stay whole, where there is room for each on a line; for a program each row is one.</summary>
    [Theory]
    [InlineData(80, "  model.layers.5.mlp.gate_proj |       │ 2 x 512 │    192 │    f32 │ 786.43 kB  ")]
    [InlineData(120, "  model.layers.5.mlp.gate_proj | model.layers.5.mlp.up_proj                    │ 2 x 512 │    192 │    f32 │ 786.43 kB  ")]
    [InlineData(null, "  model.layers.5.mlp.gate_proj | model.layers.5.mlp.up_proj                                           │ 2 x 512 │    192 │    f32 │ 786.43 kB  ")]
    public void TablesFitTheTerminal(int? columns, string row)
    {
        string[] lines = (columns is { } wide ? OnATerminal(wide, "inspect", HelloModel) : ChildProcess.Modelc("inspect", HelloModel).Expect(0).Output).ReplaceLineEndings("\n").Split('\n');
        Assert.Contains(row, lines);
        Assert.Contains(lines, line => line.TrimEnd() == "  read per token   11.41 MB");
        Assert.All(lines, line => Assert.True(line.Length <= (columns ?? line.Length), line));
    }

    [Fact]
    public void AModelIsNotOverwrittenUnasked()
    {
        string[] synth = ["synth", folder["m"], "--like", "llama-head20", "--shards"];
        Assert.Matches(@"^Wrote config\.json, .*00002-of-00002\.safetensors, .* to .*: \d", ChildProcess.Modelc([.. synth, "2"]).Expect(0).Output);
        Assert.Contains($"MC320: DIR: found a model in '{folder["m"]}'", ChildProcess.Modelc([.. synth, "1"]).Expect(2).Error);
        Assert.Equal(4, Directory.GetFiles(folder["m"]).Length);
        ChildProcess.Modelc([.. synth, "1", "--force"]).Expect(0);
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(folder["m"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void AMissingFolderIsADiagnostic()
    {
        foreach (string[] rest in (string[][])[["inspect"], ["run"], ["bench"], ["logits", "--tokens", "1", "-o", folder["l"]], ["pack", "-o", folder["p"]]])
        {
            Finished refused = ChildProcess.Modelc([rest[0], folder["absent"], .. rest[1..]]).Expect(1);
            Assert.StartsWith($"{folder["absent"]}: error MC021: ", refused.Error);
            Assert.Empty(refused.Output);
        }

        Assert.False(Directory.Exists(folder["p"]));
    }

    [Fact]
    public void ABrokenConfigIsADiagnosticAtItsLine()
    {
        string model = folder.Synthesise("m");
        File.WriteAllText(Path.Combine(model, "config.json"), "{\n  \"model_type\": \"llama\",\n  \"hidden_size\" 40\n}");
        Finished refused = ChildProcess.Modelc("pack", model, "-o", folder["out"]).Expect(1);
        Assert.Matches(@"config\.json\(3,\d+\): error MC001: ", refused.Error);
    }

    [Fact]
    public void EverythingWrongIsToldAndNothingIsHalfWritten()
    {
        string model = folder.Synthesise("m");
        string config = Path.Combine(model, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"llama\"", "\"lama\""));
        Finished refused = ChildProcess.Modelc("compile", model, "-o", folder["out"]).Expect(1);
        Assert.Matches(@"config\.json\(\d+,\d+\): error MC101: .*lama", refused.Error);
        Assert.False(Directory.Exists(folder["out"]) && Directory.EnumerateFileSystemEntries(folder["out"]).Any());
    }

    [Fact]
    public void ANameThatCannotBePartOfAFileIsRefused()
    {
        string model = folder.Synthesise("模型");
        Assert.Matches("error MC010: .* is given another name: Name of the CompiledModel item, --name of ", ChildProcess.Modelc("pack", model, "-o", folder["out"]).Expect(1).Error);
        ChildProcess.Modelc("pack", model, "--name", "m", "-o", folder["out"]).Expect(0);
        Assert.StartsWith("模型: llama, ", ChildProcess.Modelc("inspect", model).Expect(0).Output); // which names no file after it
        ChildProcess.Modelc("export", model, "-o", folder["m.onnx"]).Expect(0);
        Assert.Equal(["m.manifest.json", "m.mcw"], Directory.GetFiles(folder["out"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void WhatNoAssemblyHoldsIsRefusedBeforePacking()
    {
        string config = SyntheticConfigs.Published["qwen3-0.6b"]; // 2.4 GB as f32
        folder.Write(Path.Combine("m", "config.json"), config);
        long end = 0;
        byte[] header = JsonSerializer.SerializeToUtf8Bytes(SyntheticTensors.Of(config).ToDictionary(
            tensor => tensor.Name,
            tensor => new { dtype = "BF16", shape = tensor.Shape, data_offsets = new[] { end, end += tensor.Shape.Aggregate(2L, (product, size) => product * size) } }));
        using (FileStream file = File.Create(folder[Path.Combine("m", "model.safetensors")]))
        {
            file.Write(BitConverter.GetBytes((long)header.Length));
            file.Write(header);
            file.SetLength(file.Position + end); // a hole: takes no place on the disk
        }

        Finished refused = ChildProcess.Modelc("pack", folder["m"], "--resource", "m.mcw", "-o", folder["out"]).Expect(1);
        Assert.StartsWith($"{folder[Path.Combine("m", "config.json")]}: error MC212: ", refused.Error);
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Fact]
    public void InspectTellsTheSizes()
    {
        string model = folder.Synthesise("m");
        using JsonDocument json = JsonDocument.Parse(ChildProcess.Modelc("inspect", model, "--json", "--weights", "bf16").Expect(0).Output);
        JsonElement root = json.RootElement;
        Assert.Equal("m", root.GetProperty("name").GetString());
        Assert.Equal(40, root.GetProperty("dim").GetInt32());
        Assert.Equal(20, root.GetProperty("headDim").GetInt32());
        Assert.Equal("bf16", root.GetProperty("weights").GetString());
        Assert.True(root.GetProperty("bytesPerToken").GetInt64() > 0);
        Assert.Contains("hiddenDim", ChildProcess.Modelc("inspect", model).Expect(0).Output);
    }

    [Fact]
    public void CompilingTwiceGivesTheSameBytes()
    {
        string model = folder.Synthesise("gpt-nano", "gpt2-tied");
        string[][] runs = [.. new[] { "a", "b" }.Select(name =>
        {
            ChildProcess.Modelc("compile", model, "-o", folder[name], "--weights", "f16", "--namespace", "A.B").Expect(0);
            return Directory.GetFiles(folder[name]).Order(StringComparer.Ordinal).ToArray();
        })];
        Assert.True(runs[0].Length > 3);
        Assert.Equal(runs[0].Select(Path.GetFileName), runs[1].Select(Path.GetFileName));
        Assert.All(runs[0].Zip(runs[1]), pair => Assert.Equal(File.ReadAllBytes(pair.First), File.ReadAllBytes(pair.Second)));
        Assert.Contains(runs[0], path => File.ReadAllText(path).Contains("partial class GptNanoModel"));
    }

    [Fact]
    public void LogitsAreOneRowForEachToken()
    {
        string model = folder.Synthesise("m");
        ChildProcess.Modelc("logits", model, "--tokens", "1,2,3,4,5", "-o", folder["five"]).Expect(0);
        ChildProcess.Modelc("logits", model, "--tokens", "1,2", "-o", folder["two"], "--threads", "1").Expect(0);
        byte[] five = File.ReadAllBytes(folder["five"]);
        Assert.Equal(5 * 97 * sizeof(float), five.Length);
        Assert.Equal(File.ReadAllBytes(folder["two"]), five[..(2 * 97 * sizeof(float))]);
        Assert.Contains("MC320: --tokens: found 97, expected the model's token ids, 0 to 96.", ChildProcess.Modelc("logits", model, "--tokens", "1,97", "-o", folder["wrong"]).Expect(2).Error);
        string tooLong = string.Join(',', Enumerable.Repeat(1, 257));
        Assert.Contains("MC322: the prompt: found 257 tokens, expected at most 256", ChildProcess.Modelc("logits", model, "--tokens", tooLong, "-o", folder["wrong"]).Expect(1).Error);
        Assert.False(File.Exists(folder["wrong"]));
    }

    [Fact]
    public void ADamagedCacheIsMadeAgain()
    {
        string model = folder.Synthesise("m", seed: 7);
        (string, string) cache = ("MODELCOMPILER_CACHE", folder["cache"]);
        string[] logits = ["logits", model, "--tokens", "1,2", "-o", folder["l"]];
        ChildProcess.ModelcWith(cache, logits).Expect(0);
        byte[] first = File.ReadAllBytes(folder["l"]);
        string[] entries = [.. Directory.GetDirectories(folder["cache"]).Order()];
        Assert.Equal(2, entries.Length); // the packed weights, the code
        foreach (string file in entries.SelectMany(Directory.GetFiles).ToArray())
        {
            byte[] bytes = File.ReadAllBytes(file);
            File.WriteAllBytes(file, bytes[..(bytes.Length / 2)]);
            ChildProcess.ModelcWith(cache, logits).Expect(0);
            Assert.Equal(first, File.ReadAllBytes(folder["l"]));
        }

        Assert.Equal(entries, Directory.GetDirectories(folder["cache"]).Order());
    }

    [Fact]
    public void DamagedWeightsAreToldApartFromAFaultOfOurs()
    {
        string model = folder.Synthesise("m", seed: 9);
        (string, string) cache = ("MODELCOMPILER_CACHE", folder["cache"]);
        string[] run = ["run", model, "--tokens", "1,2", "--max-tokens", "1"];
        ChildProcess.ModelcWith(cache, run).Expect(0);
        string weights = Directory.GetFiles(folder["cache"], "model.mcw", SearchOption.AllDirectories).Single();
        byte[] bytes = File.ReadAllBytes(weights);
        bytes.AsSpan(bytes.Length / 8, bytes.Length / 2).Fill(0xFF); // NaN; in a file of many megabytes no seal would notice
        File.WriteAllBytes(weights, bytes);
        EntrySeal.Write(Path.GetDirectoryName(weights)!);

        Assert.StartsWith($"{weights}: error MC324: the packed weights: found logits that are not finite", ChildProcess.ModelcWith(cache, run).Expect(1).Error);
        Assert.Contains($"{weights}: error MC324: ", ChildProcess.ModelcWith(cache, [.. run, "--verify"]).Expect(1).Error);
        Assert.Matches(@"removed 2 entries, \d", ChildProcess.ModelcWith(cache, "cache", "--clear").Expect(0).Output);
        Assert.Contains(": 0 entries, ", ChildProcess.ModelcWith(cache, "cache").Expect(0).Output);
        ChildProcess.ModelcWith(cache, [.. run, "--verify"]).Expect(0);
    }

    [Fact]
    public void WithoutACacheThatCanBeWrittenItRunsAllTheSame()
    {
        string model = folder.Synthesise("m");
        folder.Write("file", "");
        string error = ChildProcess.ModelcWith(("MODELCOMPILER_CACHE", folder["file"]), "run", model, "--tokens", "1", "-n", "2").Expect(0).Error;
        Match said = Regex.Match(error, "^modelc: warning MC321: the cache folder '.*file': .*: this time they lie in '(.+)', which is removed at the end, unless modelc is killed. Set MODELCOMPILER_CACHE to a folder that keeps them.\r?\n$");
        Assert.True(said.Success, error);
        Assert.False(Directory.Exists(said.Groups[1].Value));
    }

    /// <summary>A fault while the process ends would be a crash behind work that is done.</summary>
    [Fact]
    public void ATemporaryCacheThatSomebodyRemovedIsNoFault()
    {
        CacheFolder gone = new(folder["gone"]);
        TemporaryCache.Remove(gone);
        Assert.False(Directory.Exists(gone.Root));
    }

    [Fact]
    public void FindingsAboutWeightsNameTheFolder()
    {
        string model = folder.Synthesise("m");
        string weights = Path.Combine(model, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.NaN);
        File.WriteAllBytes(weights, bytes);
        Assert.StartsWith($"{weights}: error MC210: ", ChildProcess.Modelc("pack", model, "-o", folder["out"]).Expect(1).Error);
        File.WriteAllText(weights, "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
        Assert.Matches("model.safetensors: error MC011: file: found a Git LFS pointer of .*git lfs pull", ChildProcess.Modelc("inspect", model).Expect(1).Error);
    }

    [Fact]
    public void EveryInstructionSetHereGivesTheSameBits()
    {
        string model = folder.Synthesise("m");
        string[] supported = [.. Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported).Select(InstructionSets.Name)];
        foreach (string isa in supported)
        {
            ChildProcess.Modelc("logits", model, "--tokens", "1,2,3", "-o", folder[isa], "--isa", isa).Expect(0);
            Assert.Equal(File.ReadAllBytes(folder[supported[0]]), File.ReadAllBytes(folder[isa]));
        }

        string[] missing = [.. Enum.GetValues<InstructionSet>().Where(set => !InstructionSets.IsSupported(set)).Select(InstructionSets.Name)];
        string error = ChildProcess.Modelc("logits", model, "--tokens", "1", "-o", folder["l"], "--isa", missing[0]).Expect(1).Error;
        Assert.Contains($"MC322: instruction set: found {missing[0]}, which this processor does not have, expected one that it has: portable", error);
    }

    [Fact]
    public async Task ConcurrentFirstRunsAgree()
    {
        string model = folder.Synthesise("m", seed: 8);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(i => Task.Run(() =>
            ChildProcess.ModelcWith(("MODELCOMPILER_CACHE", folder["cache"]), "logits", model, "--tokens", "1,2", "-o", folder[$"l{i}"]).Expect(0))));
        Assert.Equal(2, Directory.GetDirectories(folder["cache"]).Length);
        Assert.Equal(File.ReadAllBytes(folder["l0"]), File.ReadAllBytes(folder["l1"]));
        Assert.Equal(File.ReadAllBytes(folder["l0"]), File.ReadAllBytes(folder["l2"]));
    }

    [Fact]
    public void AModelWithoutATokenizerWorksOnTokens()
    {
        string model = folder.Synthesise("m");
        Finished ids = ChildProcess.Modelc("run", model, "--tokens", "1,2,3", "--temperature", "0", "--max-tokens", "4", "--ignore-end").Expect(0);
        Assert.Matches(@"^\d+( \d+){3}\s*$", ids.Output);
        Finished text = ChildProcess.ModelcWith(("MODELCOMPILER_CACHE", folder["none"]), "run", model, "--prompt", "a").Expect(1);
        Assert.StartsWith($"{Path.Combine(model, "tokenizer.json")}: error MC021: ", text.Error);
        Assert.False(Directory.Exists(folder["none"])); // told before anything is packed
        File.WriteAllText(Path.Combine(model, "tokenizer.json"), "{\n\"model\" 1 }");
        Assert.Matches(@"tokenizer\.json\(2,\d+\): error MC022: tokenizer\.json: found text that is no JSON \(.*[^.]\), expected JSON\. ", ChildProcess.Modelc("run", model, "--prompt", "a").Expect(1).Error);
        Assert.StartsWith($"{Path.Combine(model, "tokenizer_config.json")}: error MC022: bos_token: found 1, expected a string", TokenizerConfig("""{ "bos_token": 1 }"""));
        Assert.StartsWith($"{Path.Combine(model, "tokenizer_config.json")}(1,1): error MC022: tokenizer_config.json: found text that is no JSON ", TokenizerConfig("{"));
        folder.Write("text.txt", "a");
        Assert.Matches(@"tokenizer\.json\(2,\d+\): error MC022: ", ChildProcess.Modelc("train", model, "--text", folder["text.txt"], "--steps", "1", "-o", folder["t"]).Expect(1).Error);
    }

    /// <summary>What is said of that tokenizer_config.json beside a tokenizer.json that is whole.</summary>
    private string TokenizerConfig(string config)
    {
        string json = Path.Combine(HelloModel, "tokenizer.json");
        return Assert.Throws<ModelException>(() => TokenizerSource.Pack(folder[Path.Combine("m", "tokenizer.json")], File.ReadAllText(json), config, 0)).Message;
    }

    [Fact]
    public void RunWritesTheStoryOfTheIndependentProgram()
    {
        string model = SharedData.Require("models/stories260K");
        string story = File.ReadAllText(Path.Combine(model, "story.txt")).TrimEnd();
        const string Prompt = "Once upon a time";
        Finished run = ChildProcess.Modelc("run", model, "--prompt", Prompt, "--temperature", "0", "--max-tokens", "200").Expect(0);
        Assert.StartsWith(story, Prompt + run.Output.ReplaceLineEndings("\n"));
        Assert.Empty(run.Error);

        using JsonDocument json = JsonDocument.Parse(
            ChildProcess.Modelc("run", model, "--prompt", Prompt, "--temperature", "0", "--stop", "park", "--json").Expect(0).Output);
        Assert.Equal(JsonValueKind.String, json.RootElement.GetProperty("seed").ValueKind);
        Assert.Equal("StopText", json.RootElement.GetProperty("finishReason").GetString());
        Assert.EndsWith("in the ", json.RootElement.GetProperty("text").GetString());
    }

    private string OnATerminal(int columns, params string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "script, which gives a program a terminal, is not installed.");
        string command = string.Join(' ', arguments.Prepend(ChildProcess.ToolPath).Select(argument => $"'{argument}'"));
        ProcessStartInfo start = new("/usr/bin/script", ["-qec", $"stty cols {columns}; dotnet {command}", "/dev/null"]) { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.Environment["MODELCOMPILER_CACHE"] = folder["cache"];
        using Process process = Process.Start(start)!;
        string seen = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return seen;
    }
}

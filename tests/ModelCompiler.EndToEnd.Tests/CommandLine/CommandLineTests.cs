using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
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

    [Theory]
    [InlineData("nonsense")]
    [InlineData("run")]
    [InlineData("inspect", "DIR", "--weights", "q9_9")]
    [InlineData("run", "DIR", "--temperature", "-1")]
    [InlineData("run", "DIR", "--top-p", "1.5")]
    [InlineData("run", "DIR", "--threads", "0")]
    [InlineData("run", "DIR", "--isa", "mmx")]
    [InlineData("logits", "DIR", "--tokens", "1,x", "-o", "FILE")]
    [InlineData("compile", "DIR", "-o", "OUT", "--class", "1st")]
    [InlineData("synth", "DIR")]
    public void WhatCannotBeUnderstoodIsUsage(params string[] arguments)
    {
        Finished refused = ChildProcess.Modelc(arguments).Expect(2);
        Assert.Contains("modelc: error MC320: ", refused.Error);
        Assert.Empty(refused.Output);
    }

    [Theory]
    [InlineData("--temperature", "abc", "a number, at least 0")]
    [InlineData("--temperature", "inf", "a number, at least 0")]
    [InlineData("--top-p", "NaN", "a number above 0, at most 1")]
    [InlineData("--top-p", "2", "a number above 0, at most 1")]
    [InlineData("--top-k", "1.5", "a whole number, at least 0")]
    [InlineData("--min-p", "abc", "a number from 0 to 1")]
    [InlineData("--max-tokens", "99999999999", "a whole number, at least 1")]
    [InlineData("--threads", "1000", "a whole number from 1 to 64")]
    [InlineData("--seed", "-1", "a whole number from 0 to 18446744073709551615")]
    [InlineData("--weights", "q3", "one of f32, f16, bf16, q8, q4")]
    [InlineData("--weights", "q4, lm_head.*=q3", "one of f32, f16, bf16, q8, q4")]
    [InlineData("--cache", "q4", "one of f32, bf16, q8")]
    public void AnOptionSaysWhatItExpects(string option, string found, string expected)
    {
        Finished refused = ChildProcess.Modelc("run", "DIR", option, found).Expect(2);
        Assert.StartsWith($"modelc: error MC320: {option}: found '{found.Split('=')[^1]}', expected {expected}.", refused.Error);
    }

    /// <summary>The parser would take them for a folder, a file or a text.</summary>
    [Theory]
    [InlineData("--stpes", "perhaps --steps", "train", "--config", "FILE", "--text", "FILE", "--stpes", "4", "--steps", "3", "-o", "OUT")]
    [InlineData("--lrr", "perhaps --lr", "train", "--config", "FILE", "--text", "FILE", "--steps", "3", "-o", "OUT", "--lrr=0.1")]
    [InlineData("--wieghts", "perhaps --weights", "run", "--wieghts", "q8")]
    [InlineData("--quick", "one of those that --help lists", "run", "DIR", "--quick")]
    [InlineData("--projects", "one of those that --help lists", "pack", "DIR", "-o", "OUT", "--projects", "FILE")] // --project is the build's
    public void AnOptionThatIsNoneIsNamed(string found, string expected, params string[] arguments)
    {
        Finished refused = ChildProcess.Modelc(arguments).Expect(2);
        Assert.StartsWith($"modelc: error MC320: found '{found}', which is no option of '{arguments[0]}', expected {expected}.", refused.Error);
        Assert.Single(refused.Error.Split("MC320"), part => part.StartsWith(": ", StringComparison.Ordinal)); // not also what follows from it
    }

    [Theory]
    [InlineData("found 'Once upon', which belongs to no option of 'run', expected perhaps --prompt \"Once upon\".", "run", "DIR", "Once", "upon")]
    [InlineData("found 'upon a time', which belongs to no option of 'run', expected perhaps --prompt \"Once upon a time\".", "run", "DIR", "--prompt", "Once", "upon", "a", "time")]
    [InlineData("found 'a time', which belongs to no option of 'run', expected perhaps -p \"Once a time\".", "run", "DIR", "-p=Once", "a", "time", "-n", "2")]
    [InlineData("found 'more', which belongs to no option of 'run', expected nothing.", "run", "--prompt", "Once", "DIR", "more")]
    [InlineData("found 'm.onnx', which belongs to no option of 'export', expected perhaps --output \"m.onnx\".", "export", "DIR", "m.onnx")]
    [InlineData("found '-x', which belongs to no option of 'inspect', expected nothing.", "inspect", "DIR", "--", "-x")]
    [InlineData("found 'rum', which is no command of 'modelc', expected perhaps run.", "rum", "DIR", "--prompt", "Hi")]
    [InlineData("found 'inspekt', which is no command of 'modelc', expected perhaps inspect.", "inspekt", "DIR")]
    [InlineData("found no command, expected one of ")]
    public void WhatNobodyTakesIsNamed(string said, params string[] arguments)
    {
        Finished refused = ChildProcess.Modelc(arguments).Expect(2);
        Assert.StartsWith($"modelc: error MC320: {said}", refused.Error);
        Assert.Single(refused.Error.Split("MC320"), part => part.StartsWith(": ", StringComparison.Ordinal));
    }

    /// <summary>Nothing behind an option, or the next option; an option twice; what must be given; and a value that is none beside one that it would be compared with.</summary>
    [Theory]
    [InlineData("--temperature: found nothing behind it, expected a value (T).", "run", "DIR", "--temperature")]
    [InlineData("--adapter: found the option '--merge' behind it, expected a value (DIR).", "run", "DIR", "--adapter", "--merge")]
    [InlineData("--tokens: found the option '-o' behind it, expected a value (1,2,3).", "logits", "DIR", "--tokens", "-o", "FILE")]
    [InlineData("--seed: found 2 values ('1', '2'), expected one.", "run", "DIR", "--seed", "1", "--seed", "2")]
    [InlineData("found no DIR, expected one. ", "run")]
    [InlineData("found no --output, expected one (PATH). ", "export", "DIR")]
    [InlineData("--like: found nothing behind it, expected a value (NAME).", "synth", "OUT", "--like")]
    [InlineData("found neither --like NAME nor --config FILE, expected one of them.", "synth", "OUT")]
    [InlineData("--steps: found 'x', expected a whole number, at least 1.", "train", "--config", "FILE", "--text", "FILE", "--steps", "x", "--warmup", "9", "-o", "OUT")]
    public void WhatIsMissingOrTooMuchIsNamed(string said, params string[] arguments)
    {
        Finished refused = ChildProcess.Modelc(arguments).Expect(2);
        Assert.StartsWith($"modelc: error MC320: {said}", refused.Error);
        Assert.Single(refused.Error.Split("MC320"), part => part.StartsWith(": ", StringComparison.Ordinal));
    }

    /// <summary>A text may begin with a dash, and after -- so may anything: what is missing is the folder.</summary>
    [Theory]
    [InlineData("run", "absent", "--prompt", "--quick")]
    [InlineData("inspect", "--", "--quick")]
    public void WhatMayBeginWithADashIsNoOption(params string[] arguments)
        => Assert.Contains("error MC021: ", ChildProcess.Modelc(arguments).Expect(1).Error);

    [Fact]
    public void AFileInAFolderThatDoesNotExistIsRefusedBeforeAnything()
        => Assert.StartsWith(
            $"modelc: error MC320: --output: found no folder '{folder["none"]}', expected one that exists for 'm.onnx'.",
            ChildProcess.Modelc("export", "DIR", "-o", Path.Combine(folder["none"], "m.onnx")).Expect(2).Error);

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
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "script, which gives a program a terminal, is not installed.");
        string model = Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel", "models", "hello");
        ProcessStartInfo start = new("/usr/bin/script", ["-qec", $"dotnet '{ChildProcess.ToolPath}' run '{model}' -p 'The goldsmith' --temperature 0 -n 5", "/dev/null"])
        {
            RedirectStandardOutput = true, RedirectStandardInput = true,
        };
        start.Environment["MODELCOMPILER_CACHE"] = folder["cache"];
        using Process process = Process.Start(start)!;
        string seen = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("compiling, which is kept for the next time …", seen);
        Assert.Contains("\rThe goldsmith melts the gold over", seen);
    }

    [Fact]
    public void PromptAndTokensTogetherAreRefused()
        => Assert.Contains("MC320: --prompt and --tokens: ", ChildProcess.Modelc("run", "DIR", "--prompt", "a", "--tokens", "1").Expect(2).Error);

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
        Assert.StartsWith($"{Path.Combine(model, "tokenizer.json")}: error MC021: ", ChildProcess.Modelc("run", model, "--prompt", "a").Expect(1).Error);
        File.WriteAllText(Path.Combine(model, "tokenizer.json"), "{\n\"model\" 1 }");
        Assert.Matches(@"tokenizer\.json\(2,\d+\): error MC022: tokenizer\.json: found text that is no JSON \(.*[^.]\), expected JSON\. ", ChildProcess.Modelc("run", model, "--prompt", "a").Expect(1).Error);
        folder.Write("text.txt", "a");
        Assert.Matches(@"tokenizer\.json\(2,\d+\): error MC022: ", ChildProcess.Modelc("train", model, "--text", folder["text.txt"], "--steps", "1", "-o", folder["t"]).Expect(1).Error);
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
}

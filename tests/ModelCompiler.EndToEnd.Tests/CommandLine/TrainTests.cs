using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>modelc train, as a user calls it.</summary>
public sealed class TrainTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Dictionary<string, string> usual;

    public TrainTests()
    {
        File.WriteAllText(folder["config.json"], """
            { "model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
              "max_position_embeddings": 64, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": true }
            """);
        string[] people = ["Ann", "Ben", "小明"];
        string[] things = ["a red ball", "a gold ring", "一只小狗"];
        File.WriteAllText(folder["text.txt"], string.Join("\n\n", Enumerable.Range(0, 90).Select(i => $"{people[i % 3]} has {things[i / 3 % 3]}. Day {i}.")));
        usual = new()
        {
            ["--config"] = folder["config.json"], ["--text"] = folder["text.txt"], ["--batch"] = "2", ["--context"] = "32", ["--lr"] = "0.01", ["--vocab"] = "300", ["--eval-every"] = "10",
        };
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ATrainedModelIsAModelFolder()
    {
        Finished trained = Train("a", "--steps", "20", "--threads", "1", "--prompt", "Ann");
        Assert.Contains("step 20 of 20: loss ", trained.Error, StringComparison.Ordinal);
        Assert.Contains("\n    Ann", trained.Error, StringComparison.Ordinal);
        Assert.Contains("Trained 20 steps", trained.Output, StringComparison.Ordinal);
        Assert.Equal(
            ["checkpoints", "config.json", "generation_config.json", "loss.svg", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "train-log.jsonl"],
            Directory.GetFileSystemEntries(folder["a"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));

        JsonElement[] log = [.. File.ReadAllLines(Path.Combine(folder["a"], "train-log.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(20, log.Length);
        Assert.True(log[19].GetProperty("loss").GetDouble() < log[0].GetProperty("loss").GetDouble() - 0.5);
        Assert.Equal([10L, 20L], log.Where(step => step.GetProperty("validation").ValueKind == JsonValueKind.Number).Select(step => step.GetProperty("step").GetInt64()));

        JsonElement ran = JsonDocument.Parse(ChildProcess.Modelc("run", folder["a"], "--prompt", "Ann", "--seed", "1", "-n", "5", "--json").Expect(0).Output).RootElement;
        Assert.True(ran.GetProperty("promptTokens").GetInt32() > 1);

        // Further, from there, and to half the size; with other threads to the same bits.
        Finished further = ChildProcess.Modelc("train", folder["a"], "--text", folder["text.txt"], "--steps", "3", "--batch", "2", "--context", "32", "--dtype", "bf16", "--json", "-o", folder["b"]).Expect(0);
        Assert.True(JsonDocument.Parse(further.Output).RootElement.GetProperty("validationLoss").GetDouble() < log[0].GetProperty("loss").GetDouble() - 0.5);
        Assert.True(new FileInfo(Path.Combine(folder["b"], "model.safetensors")).Length < new FileInfo(Path.Combine(folder["a"], "model.safetensors")).Length * 0.6);
        ChildProcess.Modelc("inspect", folder["b"]).Expect(0);
        Train("c", "--steps", "20", "--threads", "2");
        Assert.Equal(Weights("a"), Weights("c"));
    }

    /// <summary>As <c>cp -rs</c> makes a folder, to save space: what the links lead to is another model's.</summary>
    [Fact]
    public void AFolderOfLinksToAnotherModelIsReplacedAndTheOtherModelIsNot()
    {
        Train("base", "--steps", "10");
        LinkTo("base", "mine");
        (string, string)[] before = Contents("base");
        string[] further = ["train", folder["base"], "--text", folder["text.txt"], "--steps", "1", "--batch", "2", "--context", "32", "--eval-every", "1"];
        ChildProcess.Modelc([.. further, "--force", "-o", folder["mine"]]).Expect(0);
        Assert.Equal(before, Contents("base"));
        Assert.NotEqual(Weights("base"), Weights("mine"));
        NoLinks("mine");

        string[] adapter = [.. further, "--lora-rank", "2"];
        ChildProcess.Modelc([.. adapter, "-o", folder["first"]]).Expect(0);
        LinkTo("first", "second");
        before = Contents("first");
        ChildProcess.Modelc([.. adapter, "--lr", "0.03", "--force", "-o", folder["second"]]).Expect(0);
        Assert.Equal(before, Contents("first"));
        NoLinks("second");

        LinkTo("base", "synthetic");
        before = Contents("base");
        ChildProcess.Modelc("synth", folder["synthetic"], "--like", "llama-head20", "--force").Expect(0);
        Assert.Equal(before, Contents("base"));
        Assert.All(["config.json", "model.safetensors"], name => Assert.Null(new FileInfo(folder[Path.Combine("synthetic", name)]).LinkTarget));

        void LinkTo(string model, string links)
        {
            foreach (string file in Directory.GetFiles(folder[model], "*", SearchOption.AllDirectories))
            {
                string link = Path.Combine(folder[links], Path.GetRelativePath(folder[model], file));
                Directory.CreateDirectory(Path.GetDirectoryName(link)!);
                File.CreateSymbolicLink(link, file);
            }
        }

        (string, string)[] Contents(string model)
            => [.. Directory.GetFiles(folder[model], "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => (file, Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))))];

        void NoLinks(string model) => Assert.All(Directory.GetFileSystemEntries(folder[model], "*", SearchOption.AllDirectories), entry => Assert.Null(new FileInfo(entry).LinkTarget));
    }

    /// <summary>A model, adapters over its four-bit weights, and both ways to use them.</summary>
    [Fact]
    public void AdaptersAreTrainedAppliedAndMerged()
    {
        Train("base", "--steps", "60");
        File.WriteAllText(folder["other.txt"], string.Join("\n\n", Enumerable.Range(0, 90).Select(i => $"Day {i}. Ann has a gold ball, Ben has a gold ball.")));
        string[] adapters =
        [
            "train", folder["base"], "--lora-rank", "2", "--lora-targets", "q_proj,v_proj,up_proj", "--weights", "q4", "--text", folder["other.txt"], "--batch", "2", "--context", "32",
            "--lr", "0.03", "--steps", "20", "--eval-every", "0",
        ];
        ChildProcess.Modelc([.. adapters, "--checkpoint-every", "10", "-o", folder["adapter"]]).Expect(0);
        Assert.Equal(
            ["adapter_config.json", "adapter_model.safetensors", "checkpoints", "loss.svg", "train-log.jsonl"],
            Directory.GetFileSystemEntries(folder["adapter"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        JsonElement config = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder["adapter"], "adapter_config.json"))).RootElement;
        Assert.Equal(("LORA", 2, 4.0), (config.GetProperty("peft_type").GetString(), config.GetProperty("r").GetInt32(), config.GetProperty("lora_alpha").GetDouble()));
        JsonElement[] log = [.. File.ReadAllLines(Path.Combine(folder["adapter"], "train-log.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.True(log[19].GetProperty("loss").GetDouble() < log[0].GetProperty("loss").GetDouble() - 0.5);

        // Over f32 weights both ways say the same; without the adapter the model says something else.
        string Run(params string[] more) => ChildProcess.Modelc(["run", folder["base"], "--prompt", "Ann", "--temperature", "0", "--ignore-end", "-n", "24", .. more]).Expect(0).Output;
        string applied = Run("--adapter", folder["adapter"]);
        Assert.Equal(applied, Run("--adapter", folder["adapter"], "--merge"));
        Assert.NotEqual(applied, Run());

        string Nats(params string[] more)
            => JsonDocument.Parse(ChildProcess.Modelc(["perplexity", folder["base"], "--text", folder["other.txt"], "--context", "32", "--weights", "q4", "--json", .. more]).Expect(0).Output).RootElement.GetProperty("perplexity").GetRawText();
        Assert.True(double.Parse(Nats("--adapter", folder["adapter"]), CultureInfo.InvariantCulture) < double.Parse(Nats(), CultureInfo.InvariantCulture) * 0.7);
        Finished other = ChildProcess.Modelc("run", folder["base"], "--prompt", "Ann", "--adapter", folder["base"]).Expect(1);
        Assert.Contains("the adapter's config: found no such file", other.Error, StringComparison.Ordinal);
        Finished target = ChildProcess.Modelc("train", folder["base"], "--lora-rank", "2", "--lora-targets", "q_prj", "--text", folder["text.txt"], "--context", "32", "--steps", "1", "-o", folder["none"]).Expect(1);
        Assert.Contains("MC322: the adapters: found the target 'q_prj', expected one of q_proj, ", target.Error, StringComparison.Ordinal);
        Assert.EndsWith("Correct the list of targets.", target.Error.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void InterruptedAndResumedItGivesTheSameBitsWhateverTheDiskSays()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "SIGINT cannot be sent to one process on Windows.");
        string[] steps = ["--steps", "300", "--eval-every", "0"];
        Train("whole", steps);
        using (Process process = ChildProcess.StartModelc(Arguments("parts", steps)))
        {
            string log = Path.Combine(folder["parts"], "train-log.jsonl");
            Assert.True(SpinWait.SpinUntil(() => (File.Exists(log) && new FileInfo(log).Length > 0) || process.HasExited, TimeSpan.FromSeconds(60)));
            ChildProcess.Interrupt(process);
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
            Assert.DoesNotContain("   at ", process.StandardError.ReadToEnd());
            Assert.Equal(130, process.ExitCode);
        }

        Assert.False(File.Exists(Path.Combine(folder["parts"], "model.safetensors")));
        Assert.Single(Directory.GetDirectories(Path.Combine(folder["parts"], "checkpoints")));
        RefuseOnAFullDisk("parts", [.. steps, "--resume", "--checkpoint-every", "1"]);
        Assert.Single(Directory.GetDirectories(Path.Combine(folder["parts"], "checkpoints")));
        Assert.Contains("MC332: --seed: found 2, expected 1, with which the training in ", Refuse(1, "parts", [.. steps, "--resume", "--seed", "2"]), StringComparison.Ordinal);
        Assert.Contains("MC332: text: found another than the training in ", Refuse(1, "parts", [.. steps, "--resume", "--hold-out", "0.2"]), StringComparison.Ordinal);
        string otherBase = WriteText("base.json", File.ReadAllText(folder["config.json"]).Replace("10000.0", "20000.0", StringComparison.Ordinal));
        Assert.Contains("MC332: rope_theta: found 20000.0, expected 10000.0, as in the config with which the training in ", Refuse(1, "parts", [.. steps, "--resume", "--config", otherBase]), StringComparison.Ordinal);
        Assert.Contains("MC332: layout: found another than the training in ", Refuse(1, "parts", [.. steps, "--resume", "--vocab", "290"]), StringComparison.Ordinal);
        Assert.Contains("MC320: -o: found checkpoints", Refuse(2, "parts", steps), StringComparison.Ordinal);
        Assert.Contains("going on behind step", Train("parts", [.. steps, "--resume"]).Error, StringComparison.Ordinal);
        Assert.Equal(Weights("whole"), Weights("parts"));
        Assert.Equal(300, File.ReadAllLines(Path.Combine(folder["parts"], "train-log.jsonl")).Length);
        Assert.Contains("all 300 steps are done already", Train("parts", [.. steps, "--resume"]).Error, StringComparison.Ordinal);
        Assert.Contains("MC332: --steps: found 301, expected 300, ", Refuse(1, "parts", ["--steps", "301", "--resume"]), StringComparison.Ordinal);
        Directory.Delete(Path.Combine(folder["parts"], "checkpoints"), recursive: true);
        Assert.Contains("--resume: found config.json", Refuse(2, "parts", [.. steps, "--resume"]), StringComparison.Ordinal);
    }

    /// <summary>Of a text without sense a model learns only by heart: it foretells the rest ever worse.</summary>
    [Fact]
    public void TheBestStepIsWrittenAlsoByARunThatWasKilled()
    {
        string[] overfit = [.. Overfit(), "--steps", "60", "--checkpoint-every", "25"];
        JsonElement best = JsonDocument.Parse(Train("best", [.. overfit, "--json"]).Output).RootElement;
        JsonElement[] looks = [.. File.ReadAllLines(Path.Combine(folder["best"], "train-log.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).Where(step => step.GetProperty("validation").ValueKind == JsonValueKind.Number)];
        JsonElement least = looks.MinBy(step => step.GetProperty("validation").GetDouble());
        Assert.InRange(least.GetProperty("step").GetInt64(), 10, 50);
        Assert.Equal(least.GetProperty("step").GetInt64(), best.GetProperty("writtenStep").GetInt64());
        Assert.Equal(least.GetProperty("validation").GetDouble(), best.GetProperty("validationLoss").GetDouble());
        JsonElement last = JsonDocument.Parse(Train("last", [.. overfit, "--keep", "last", "--json"]).Output).RootElement;
        Assert.Equal((60L, looks[^1].GetProperty("validation").GetDouble()), (last.GetProperty("writtenStep").GetInt64(), last.GetProperty("validationLoss").GetDouble()));

        using (Process process = ChildProcess.StartModelc(Arguments("killed", overfit)))
        {
            Assert.True(SpinWait.SpinUntil(() => File.Exists(Path.Combine(folder["killed"], "checkpoints", "best.safetensors")) || process.HasExited, TimeSpan.FromSeconds(60)));
            process.Kill(); // best is of a step that no checkpoint has reached
            process.WaitForExit();
        }

        Assert.Contains($"the model of step {least.GetProperty("step")}, where the held-out text went best", Train("killed", [.. overfit, "--resume"]).Output, StringComparison.Ordinal);
        Assert.Equal(Weights("best"), Weights("killed"));
        Assert.NotEqual(Weights("last"), Weights("killed"));
        Train("killed", [.. overfit, "--resume"]); // nothing is left to do: the same once more
        Assert.Equal(Weights("best"), Weights("killed"));
    }

    [Fact]
    public void ABetterStepThatNobodyKeptIsNamed()
    {
        string[] overfit = [.. Overfit(), "--batch", "64", "--steps", "200", "--checkpoint-every", "50"];
        string checkpoints = Path.Combine(folder["late"], "checkpoints");
        using (Process process = ChildProcess.StartModelc(Arguments("late", [.. overfit, "--keep", "last"])))
        {
            Assert.True(SpinWait.SpinUntil(() => (Directory.Exists(checkpoints) && Directory.GetDirectories(checkpoints, "step-*").Length > 0) || process.HasExited, TimeSpan.FromSeconds(60)));
            process.Kill();
            process.WaitForExit();
        }

        Finished resumed = Train("late", [.. overfit, "--resume"]);
        long behind = long.Parse(Regex.Match(resumed.Error, "going on behind step ([0-9]+)").Groups[1].Value, CultureInfo.InvariantCulture);
        (long Step, double Loss)[] looks = [.. File.ReadAllLines(Path.Combine(folder["late"], "train-log.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(step => step.GetProperty("validation").ValueKind == JsonValueKind.Number).Select(step => (step.GetProperty("step").GetInt64(), step.GetProperty("validation").GetDouble()))];
        long lost = looks.MinBy(look => look.Loss).Step;
        Assert.InRange(lost, 10, 50);
        string told = $": the held-out text went best at step {lost}, whose weights were not kept.";
        string first = resumed.Output;
        Assert.Contains($"the model of step {looks.Where(look => look.Step > behind).MinBy(look => look.Loss).Step}{told}", first, StringComparison.Ordinal);
        byte[] weights = Weights("late");
        Assert.Equal(first, Train("late", [.. overfit, "--resume"]).Output);
        Assert.Equal(weights, Weights("late"));

        string best = Path.Combine(checkpoints, "best.safetensors");
        byte[] bytes = File.ReadAllBytes(best);
        bytes[^1] ^= 1;
        File.WriteAllBytes(best, bytes);
        Assert.Contains("MC332: " + best + ": checksum: found ", Refuse(1, "late", [.. overfit, "--resume"]), StringComparison.Ordinal);
        File.WriteAllBytes(best, bytes[..^1]);
        Assert.Contains("MC332: " + best + ": the weights of the best step: found a file that is damaged ", Refuse(1, "late", [.. overfit, "--resume"]), StringComparison.Ordinal);
        File.Delete(best);
        Assert.Contains("the model of step 200" + told, Train("late", [.. overfit, "--resume"]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void StoppedBeforeTheFirstStepItLeavesNothing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "SIGINT cannot be sent to one process on Windows.");
        using Process process = ChildProcess.StartModelc(Arguments("early", ["--steps", "300"]));
        Assert.True(SpinWait.SpinUntil(() => Directory.Exists(folder["early"]) || process.HasExited, TimeSpan.FromSeconds(60)));
        ChildProcess.Interrupt(process); // while it compiles
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal("Stopped before the first step was done: nothing was written.", process.StandardError.ReadToEnd().Trim());
        Assert.Equal(130, process.ExitCode);
        Assert.False(Directory.Exists(folder["early"]));

        // A model that was to be replaced is there still, what came before it is not.
        Train("early", "--steps", "1");
        byte[] weights = Weights("early");
        using Process again = ChildProcess.StartModelc(Arguments("early", ["--steps", "300", "--force"]));
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists(Path.Combine(folder["early"], "checkpoints")) || again.HasExited, TimeSpan.FromSeconds(60)));
        ChildProcess.Interrupt(again);
        Assert.True(again.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal("Stopped before the first step was done: nothing was written. The checkpoints and the log that lay there are removed.", again.StandardError.ReadToEnd().Trim());
        Assert.False(File.Exists(Path.Combine(folder["early"], "train-log.jsonl")));
        Assert.Equal(weights, Weights("early"));
    }

    [Fact]
    public void WhatCannotBeTrainedIsSaid()
    {
        Assert.Contains("MC330: the text: found ", Refuse(1, "out", ["--steps", "1", "--hold-out", "0.1", "--context", "64", "--text", WriteText("short.txt", "so little")]), StringComparison.Ordinal);
        Assert.Contains("MC320: --context: found 65, expected at most 64, the positions that the model has", Refuse(2, "out", ["--steps", "1", "--context", "65", "--text", folder["short.txt"]]), StringComparison.Ordinal);
        Assert.Contains("MC320: --vocab: found with --tokenizer char, expected with --tokenizer bpe alone", Refuse(2, "out", ["--steps", "1", "--tokenizer", "char"]), StringComparison.Ordinal);
        Assert.Contains("MC320: --json-field: found with '", Refuse(2, "out", ["--steps", "1", "--json-field", "text"]), StringComparison.Ordinal);
        Assert.Contains("MC320: --warmup: found 9 steps, expected at most all, 3.", Refuse(2, "out", ["--steps", "3", "--warmup", "9"]), StringComparison.Ordinal);
        Assert.Contains("MC021", Refuse(1, "out", ["--steps", "1", "--text", folder["nothing.txt"]]), StringComparison.Ordinal);
        string misspelt = WriteText("misspelt.json", File.ReadAllText(folder["config.json"]).Replace("rope_theta", "rope_thetaa", StringComparison.Ordinal));
        Assert.Contains($"{misspelt}: warning MC008: rope_thetaa: ", Refuse(2, "out", ["--steps", "1", "--context", "65", "--config", misspelt]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["out"]));
        usual.Remove("--vocab");
        Assert.Contains("which the tokenizer has no token for", Refuse(1, "out", ["--steps", "1", "--tokenizer", LettersOnly()]), StringComparison.Ordinal);
        Assert.Contains("found neither DIR nor --config", ChildProcess.Modelc("train", "--text", "a", "--steps", "1", "-o", folder["out"]).Expect(2).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ALossThatIsNoNumberEndsTheTraining()
    {
        string said = Refuse(1, "wild", ["--steps", "200", "--lr", "100", "--warmup", "0", "--clip", "0", "--weight-decay", "1", "--checkpoint-every", "1"]);
        Assert.Contains("MC331: step ", said, StringComparison.Ordinal);
        Assert.Contains("The last checkpoint is ", said, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(folder["wild"], "model.safetensors")));
        Assert.Single(Directory.GetDirectories(Path.Combine(folder["wild"], "checkpoints")));
    }

    /// <summary>Of noise a model learns only by heart.</summary>
    private string[] Overfit()
    {
        Random random = new(5);
        string noise = string.Join("\n\n", Enumerable.Range(0, 12).Select(_ => new string(random.GetItems<char>("abcdefgh ", 40))));
        return ["--text", WriteText("noise.txt", noise), "--hold-out", "0.3", "--lr", "0.02"];
    }

    /// <summary>What is not given is as usual.</summary>
    private string[] Arguments(string output, string[] more)
        => ["train", .. usual.Where(option => !more.Contains(option.Key)).SelectMany(option => new[] { option.Key, option.Value }), .. more, "-o", folder[output]];

    private Finished Train(string output, params string[] more) => ChildProcess.Modelc(Arguments(output, more)).Expect(0);

    private string Refuse(int exitCode, string output, string[] more) => ChildProcess.Modelc(Arguments(output, more)).Expect(exitCode).Error;

    /// <summary>The parameters fit on this disk, the optimizer's state does not.</summary>
    private void RefuseOnAFullDisk(string output, string[] more)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        long kilobytes = (new FileInfo(Path.Combine(folder["whole"], "model.safetensors")).Length / 1024) + 40;
        string command = string.Join(' ', ((string[])["dotnet", ChildProcess.ToolPath, .. Arguments(output, more)]).Select(word => $"'{word}'"));
        ProcessStartInfo start = new("bash", ["-c", $"trap '' XFSZ; ulimit -f {kilobytes.ToString(CultureInfo.InvariantCulture)}; exec {command}"]) { RedirectStandardError = true };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // which needs a file of 2 GiB in memory
        using Process process = Process.Start(start)!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Contains("modelc: error MC321: ", error, StringComparison.Ordinal);
        Assert.Equal(1, process.ExitCode);
    }

    private byte[] Weights(string output) => File.ReadAllBytes(Path.Combine(folder[output], "model.safetensors"));

    private string WriteText(string name, string text)
    {
        File.WriteAllText(folder[name], text);
        return folder[name];
    }

    private string LettersOnly() => WriteText("letters.json", """
        { "added_tokens": [], "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": { "type": "Fuse" },
          "model": { "type": "BPE", "vocab": { "a": 0, "b": 1 }, "merges": [] } }
        """);
}

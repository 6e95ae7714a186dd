using System.CommandLine;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc synth</c>: a model folder of any published shape with random weights, to measure or test without having the model.</summary>
internal static class SynthCommand
{
    public static Command Create()
    {
        Argument<string> directory = new("DIR") { Description = "Folder to write." };
        string[] names = [.. SyntheticConfigs.Published.Keys.Concat(SyntheticConfigs.Small.Keys)];
        Option<string?> like = Symbols.OneOf(new Option<string?>("--like") { Description = $"A known shape: {string.Join(", ", names)}." }, names);
        like.HelpName = "NAME";
        Option<string?> config = new("--config") { Description = "A config.json whose shape to take.", HelpName = "FILE" };
        Option<string> type = Symbols.OneOf(
            new Option<string>("--dtype") { Description = "Element type of the tensors.", DefaultValueFactory = _ => "f32" }, "f32", "f16", "bf16");
        Option<ulong> seed = Numbers.Whole(
            new Option<ulong>("--seed") { Description = "The same seed gives the same bytes on every machine.", HelpName = "S", DefaultValueFactory = _ => 1 }, 0UL, ulong.MaxValue);
        Option<int> shards = Numbers.Whole(new Option<int>("--shards") { Description = "Number of weight files.", HelpName = "N", DefaultValueFactory = _ => 1 }, 1, 99_999);
        Option<bool> force = new("--force") { Description = "Replaces config.json and *.safetensors of a model that lies in the folder already." };
        Command command = new("synth", "Writes a model with random weights.") { directory, like, config, type, seed, shards, force };
        command.Validators.Add(result =>
        {
            bool shape = result.GetResult(like) is { Implicit: false };
            if (shape == (result.GetResult(config) is { Implicit: false }))
            {
                result.AddError($"found {(shape ? "both" : "neither")} --like NAME {(shape ? "and" : "nor")} --config FILE, expected one of them.");
            }
        });
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                TextFile shape = parsed.GetValue(config) is { } path ? ModelText.ReadNamed(path, "Name a config.json.", cancellation) : Shape(parsed.GetValue(like)!);
                Faults.Print(ConfiguredModel.Of(shape, ModelHost.ModelName, cancellation).Warnings);
                string folder = Symbols.OutputFolder(parsed.GetRequiredValue(directory), Symbols.ModelName);
                if (!parsed.GetValue(force))
                {
                    RefuseToOverwrite(folder);
                }

                using ProgressLine progress = new();
                IReadOnlyList<string> files = SyntheticModel.Write(
                    folder,
                    shape.Text,
                    new SyntheticModelOptions(Enum.Parse<TensorType>(parsed.GetRequiredValue(type), ignoreCase: true), parsed.GetValue(seed), parsed.GetValue(shards)),
                    progress.Begin("writing", 0),
                    cancellation);
                progress.Dispose();
                RemoveOthers(folder, files);
                Console.WriteLine($"Wrote {string.Join(", ", files)} to {folder}: {Output.Bytes(files.Sum(file => new FileInfo(Path.Combine(folder, file)).Length))}");
                if (!File.Exists(Path.Combine(folder, "tokenizer.json")))
                {
                    Console.WriteLine("No tokenizer.json: 'modelc run' takes --tokens of such a model instead of --prompt.");
                }

                return ExitCode.Success;
            },
            CancellationToken.None));
        return command;
    }

    /// <exception cref="UsageException">A model lies there: a real one may have taken hours to download.</exception>
    private static void RefuseToOverwrite(string folder)
    {
        string? found = Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).FirstOrDefault(IsOfModel)
            : null;
        if (found is not null)
        {
            throw new UsageException($"DIR: found a model in '{folder}' ({found}), expected a folder without one. Name another folder, or give --force to replace it.");
        }
    }

    private static bool IsOfModel(string file) => file is "config.json" or "tokenizer.json" || IsWeights(file);

    private static bool IsWeights(string file)
        => file.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || file == "model.safetensors.index.json";

    /// <summary>Weights of the model that was replaced would be taken for weights of the new one.</summary>
    private static void RemoveOthers(string folder, IReadOnlyList<string> written)
    {
        foreach (string path in Directory.EnumerateFiles(folder).Where(path => IsWeights(Path.GetFileName(path)) && !written.Contains(Path.GetFileName(path))).ToArray())
        {
            File.Delete(path);
        }
    }

    private static TextFile Shape(string name) => new(name, SyntheticConfigs.Published.GetValueOrDefault(name) ?? SyntheticConfigs.Small[name]);
}

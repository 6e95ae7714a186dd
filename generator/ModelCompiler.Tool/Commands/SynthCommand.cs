using System.CommandLine;
using ModelCompiler.Compiler.Inputs;
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
        Option<string?> like = new Option<string?>("--like") { Description = $"A known shape: {string.Join(", ", names)}.", HelpName = "NAME" }.AcceptOnlyFromAmong(names);
        Option<string?> config = new("--config") { Description = "A config.json whose shape to take.", HelpName = "FILE" };
        Option<string> type = new Option<string>("--dtype") { Description = "Element type of the tensors.", HelpName = "f32|f16|bf16", DefaultValueFactory = _ => "f32" }
            .AcceptOnlyFromAmong("f32", "f16", "bf16");
        Option<ulong> seed = new("--seed") { Description = "The same seed gives the same bytes on every machine.", HelpName = "S", DefaultValueFactory = _ => 1 };
        Option<int> shards = Symbols.AtLeast(1, new Option<int>("--shards") { Description = "Number of weight files.", HelpName = "N", DefaultValueFactory = _ => 1 });
        Command command = new("synth", "Writes a model with random weights.") { directory, like, config, type, seed, shards };
        command.Validators.Add(result =>
        {
            if (result.GetValue(like) is null == result.GetValue(config) is null)
            {
                result.AddError("Give either --like NAME or --config FILE.");
            }
        });
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                string text = parsed.GetValue(config) is { } path ? ModelText.Read(path, "Name a config.json.").Text : Shape(parsed.GetValue(like)!);
                using ProgressLine progress = new();
                SyntheticModel.Write(
                    parsed.GetRequiredValue(directory),
                    text,
                    new SyntheticModelOptions(Enum.Parse<TensorType>(parsed.GetRequiredValue(type), ignoreCase: true), parsed.GetValue(seed), parsed.GetValue(shards)),
                    progress.Begin("writing", 0),
                    cancellation);
                return ExitCode.Success;
            },
            CancellationToken.None));
        return command;
    }

    private static string Shape(string name) => SyntheticConfigs.Published.GetValueOrDefault(name) ?? SyntheticConfigs.Small[name];
}

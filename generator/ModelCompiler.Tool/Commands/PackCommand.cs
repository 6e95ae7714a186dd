using System.CommandLine;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary>
/// <c>modelc pack</c>: what the build calls. Errors go to standard error in the canonical form, so that the build shows them at the
/// user's file. Warnings are left to the C# compiler: it plans the same model in every build, packing only when something changed.
/// </summary>
internal static class PackCommand
{
    public static Command Create()
    {
        Argument<string> directory = Symbols.Model();
        Option<string> weights = Symbols.Weights();
        Option<string> cache = Symbols.Cache();
        Option<string> output = Symbols.Output("Folder that receives NAME.mcw and NAME.manifest.json.");
        Option<string?> name = new("--name") { Description = "The model's name. [default: the folder's]", HelpName = "NAME" };
        Option<string?> resource = new("--resource") { Description = "Name of the resource that the packed weights will be embedded as.", HelpName = "NAME" };
        Option<bool> training = new("--training") { Description = "Also writes NAME.train.mcw, the weights in f32 that training begins with." };
        Option<string?> adapter = Symbols.Adapter("merged into the weights");
        AdapterSymbols adapters = new("The class is compiled with low-rank adapters of this rank, which are loaded or trained beside the packed weights.");
        Command command = new("pack", "Packs a model's weights and writes its manifest, as the build does.") { directory, weights, cache, name, output, resource, training, adapter, Symbols.Project };
        adapters.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                string folder = Symbols.OutputFolder(parsed.GetRequiredValue(output));
                PlanOptions options = new(parsed.GetRequiredValue(weights), parsed.GetRequiredValue(cache));
                using PlannedModel model = PlannedModel.Open(parsed.GetRequiredValue(directory), parsed.GetValue(name), options, adapters.Read(parsed), Symbols.AdapterChoice(parsed.GetValue(adapter), merge: true));
                using ProgressLine progress = new();
                ModelManifest manifest = model.Pack(folder, parsed.GetValue(resource), parsed.GetValue(training), progress.Begin("packing", model.Plan.Weights.LengthBytes), cancellation);
                progress.Dispose();
                Console.WriteLine($"Packed '{manifest.Name}' as {manifest.Weights} into {Path.Combine(folder, manifest.WeightsFile)}: {Output.Bytes(model.Plan.Weights.LengthBytes)}");
                return ExitCode.Success;
            },
            CancellationToken.None));
        return command;
    }
}

using System.CommandLine;
using System.Text.Json;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Onnx.Export;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc export</c>: the model as an ONNX file, for ONNX Runtime and whatever else reads the format.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        Argument<string> directory = Symbols.Model();
        Option<string> output = Symbols.Output("File to write; weights of more than 64 MiB lie beside it as PATH.HASH.data.");
        Option<string> weights = Symbols.Weights();
        Option<string?> operators = OnnxSymbols.Operators();
        Option<string> activations = OnnxSymbols.Activations();
        Option<bool> chooseLogits = new("--choose-logits") { Description = "Adds the input num_logits_to_keep: of how many last tokens logits are computed. For offload." };
        Option<bool> json = Symbols.Json();
        Command command = new("export", "Writes the model as an ONNX file.") { directory, output, weights, operators, activations, chooseLogits, json };
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                string path = Symbols.OutputFile(parsed.GetRequiredValue(output), parsed.GetRequiredValue(directory));
                using PlannedModel model = PlannedModel.Open(parsed.GetRequiredValue(directory), ModelHost.ModelName, new(parsed.GetRequiredValue(weights)));
                Faults.Print(model.Warnings);
                using ProgressLine progress = new();
                OnnxFiles files = OnnxExporter.Write(
                    model.Plan, new PublishedParameters(model.Folder), path,
                    OnnxSymbols.Export(parsed.GetValue(operators), parsed.GetRequiredValue(activations), parsed.GetValue(chooseLogits)),
                    progress.Begin("exporting", model.Plan.Weights.LengthBytes), model.Folder.ThrowIfChanged, cancellation);
                progress.Dispose();
                Write(files, model.Plan.Format, parsed.GetValue(json));
                return ExitCode.Success;
            },
            CancellationToken.None));
        return command;
    }

    private static void Write(OnnxFiles files, string format, bool json)
    {
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { model = files.ModelPath, data = files.DataPath, weights = format, weightsBytes = files.WeightsBytes, dequantised = files.Dequantised }, Output.Json));
            return;
        }

        Console.WriteLine($"Wrote {files.ModelPath}{(files.DataPath is null ? "" : $" and {files.DataPath}")} ({format}, {Output.Bytes(files.WeightsBytes)})");
        if (files.Dequantised.Count > 0)
        {
            Console.WriteLine($"{files.Dequantised.Count} matrices, whose groups of 32 run across heads that are not a multiple of 16 wide, are written as float32: {string.Join(", ", files.Dequantised.Take(3))}{(files.Dequantised.Count > 3 ? ", …" : "")}");
        }
    }
}

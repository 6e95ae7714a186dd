using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc inspect</c>: what a model is, and what a build would make of it, without making it.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        Argument<string> directory = Symbols.Model();
        Option<string> weights = Symbols.Weights();
        Option<string> cache = Symbols.Cache();
        Option<bool> json = Symbols.Json();
        Command command = new("inspect", "Tells family, sizes, formats, bytes read per token and the plan of a model.") { directory, weights, cache, json };
        command.SetAction((parsed, _) => Task.Run(() =>
        {
            using PlannedModel model = PlannedModel.Open(parsed.GetRequiredValue(directory), ModelHost.ModelName, new(parsed.GetRequiredValue(weights), parsed.GetRequiredValue(cache)));
            Faults.Print(model.Warnings);
            if (parsed.GetValue(json))
            {
                WriteJson(model);
            }
            else
            {
                WriteTables(model);
            }

            return ExitCode.Success;
        }));
        return command;
    }

    /// <summary>As the folder is called, whatever that is: no file is named after it here.</summary>
    private static string Name(PlannedModel model) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(model.Folder.DirectoryPath)));

    private static long Parameters(PlannedModel model) => model.Plan.Graph.Parameters
        .Sum(parameter => (long)parameter.Rows * parameter.Columns);

    private static IEnumerable<(string Type, int Tensors, long Bytes)> Published(PlannedModel model) => model.Folder.Inputs.Tensors
        .GroupBy(tensor => tensor.TypeName, StringComparer.Ordinal)
        .Select(group => (group.Key, group.Count(), group.Sum(tensor => tensor.LengthBytes)))
        .OrderBy(group => group.Key, StringComparer.Ordinal);

    private static void WriteTables(PlannedModel model)
    {
        ModelPlan plan = model.Plan;
        Dimensions sizes = plan.Graph.Dimensions;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name(model)}: {plan.Graph.Family}, {Count(Parameters(model))} parameters"));
        Output.Write(Output.List(
            ("dim", Number(sizes.Dim)), ("hiddenDim", Number(sizes.HiddenDim)), ("layers", Number(sizes.Layers)), ("heads", Number(sizes.Heads)),
            ("kvHeads", Number(sizes.KvHeads)), ("headDim", Number(sizes.HeadDim)), ("vocab", Number(sizes.Vocab)), ("context", Number(sizes.ContextLength))));
        Output.Write(Output.Table(["published as", "tensors", "bytes"], Published(model).Select(type => (string[])[type.Type, Number(type.Tensors), Output.Bytes(type.Bytes)])));
        Output.Write(Output.List(
            ("packed as", plan.Format), ("file", Output.Bytes(plan.Weights.LengthBytes)), ("read per token", Output.Bytes(plan.BytesPerToken)),
            ("cache", $"{plan.Cache.Format}, {Output.Bytes(plan.Cache.PageBytes)} for 64 positions"),
            ("scratch per row", Output.Bytes(4L * plan.Scratch.ArenaFloatsPerRow)), ("rows per step", Number(plan.Scratch.MaxRows))));
        Output.Write(Output.Table(["packed matrix", "outputs", "inputs", "format", "bytes"], plan.Weights.Matrices.Select(Row)));
    }

    /// <summary>Names without the ending that all of them have: where panels lie is told as JSON, and in the code.</summary>
    private static string[] Row(PackedMatrix matrix) =>
    [
        matrix.Name.Replace(".weight", "", StringComparison.Ordinal), matrix.Parts.Count == 1 ? Number(matrix.PaddedOutputs) : $"{matrix.Parts.Count} x {matrix.PaddedOutputs}",
        Number(matrix.PaddedInputs), matrix.Format.Name, Output.Bytes(matrix.LengthBytes),
    ];

    private static void WriteJson(PlannedModel model)
    {
        ModelPlan plan = model.Plan;
        Dimensions sizes = plan.Graph.Dimensions;
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                name = Name(model),
                family = plan.Graph.Family,
                parameters = Parameters(model),
                dim = sizes.Dim,
                hiddenDim = sizes.HiddenDim,
                layers = sizes.Layers,
                heads = sizes.Heads,
                kvHeads = sizes.KvHeads,
                headDim = sizes.HeadDim,
                vocab = sizes.Vocab,
                contextLength = sizes.ContextLength,
                beginToken = sizes.BeginToken,
                endTokens = sizes.EndTokens.ToArray(),
                published = Published(model).Select(type => new { type = type.Type, tensors = type.Tensors, bytes = type.Bytes }),
                weights = plan.Format,
                planHash = plan.Hash,
                weightsLengthBytes = plan.Weights.LengthBytes,
                bytesPerToken = plan.BytesPerToken,
                maxRows = plan.Scratch.MaxRows,
                arenaFloatsPerRow = plan.Scratch.ArenaFloatsPerRow,
                cache = plan.Cache.Format,
                pageBytes = plan.Cache.PageBytes,
                matrices = plan.Weights.Matrices.Select(matrix => new
                {
                    name = matrix.Name,
                    format = matrix.Format.Name,
                    parts = matrix.Parts.Count,
                    paddedOutputs = matrix.PaddedOutputs,
                    paddedInputs = matrix.PaddedInputs,
                    offsetBytes = matrix.OffsetBytes,
                    lengthBytes = matrix.LengthBytes,
                }),
            },
            Output.Json));
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Count(long number) => number >= 1_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{number / 1e6:F1} M")
        : string.Create(CultureInfo.InvariantCulture, $"{number / 1e3:F1} k");
}

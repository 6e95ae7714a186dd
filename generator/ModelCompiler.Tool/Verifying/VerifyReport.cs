using System.Globalization;
using System.Text.Json;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Tool.Commands;

namespace ModelCompiler.Tool.Verifying;

/// <summary>How <c>modelc verify</c> tells what it found.</summary>
internal sealed record VerifyReport(ModelDescription Model, string InstructionSet, string Provider, string OnnxVersion, VerificationWork Work, Verification Found, Tokenizer? Tokenizer)
{
    private const int LayersShown = 6;

    /// <summary>For people.</summary>
    public void WriteTable()
    {
        Console.WriteLine(Show(
            $"{Model.Family} {Model.Format}, cache {Model.Cache.Format}, {InstructionSet}, against ONNX Runtime {OnnxVersion} ({Provider}): {Work.Prompts} sequences of {Work.Length} tokens, the last {Work.Decoded} one by one"));
        List<string[]> rows = [Row("emitted code, ONNX Runtime", Found.Logits)];
        if (Found.Roundings is { } roundings)
        {
            rows.Add(Row("emitted code, reference that rounds alike: the code's faults", roundings.Emitted));
            rows.Add(Row("ONNX Runtime, reference on dequantised weights: the export's faults", roundings.Onnx));
            rows.Add(Row("cost of rounding inputs, keys and values", roundings.Inputs));
            rows.Add(Row("cost of rounding weights", roundings.Weights));
        }

        Output.Write(Output.Table(["logits", "largest", "relative", "mean KL", "largest KL", "same top"], rows));
        WriteLayers();
        WriteTexts();
        Console.WriteLine(Found.Agrees ? Show($"They agree (tolerance {Found.Tolerance:0.0e+00}{(Found.Roundings is null || Found.OnnxTolerance == Found.Tolerance ? "" : Show($"; of ONNX Runtime, in half precision, {Found.OnnxTolerance:0.0e+00}"))}).") : "They do not agree.");
    }

    /// <summary>For programs.</summary>
    public void WriteJson()
        => Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                family = Model.Family,
                weights = Model.Format,
                cache = Model.Cache.Format,
                instructionSet = InstructionSet,
                provider = Provider,
                onnxRuntime = OnnxVersion,
                sequences = Work.Prompts,
                length = Work.Length,
                seed = Work.Seed.ToString(CultureInfo.InvariantCulture),
                agrees = Found.Agrees,
                tolerance = Found.Tolerance,
                onnxTolerance = Found.Roundings is null ? (double?)null : Found.OnnxTolerance,
                faults = Found.Faults,
                logits = Finite(Found.Logits),
                roundings = Found.Roundings is { } r ? new { emitted = Finite(r.Emitted), onnx = Finite(r.Onnx), inputs = Finite(r.Inputs), weights = Finite(r.Weights), onnxLayers = Finite(r.OnnxLayers), counts = r.Counts } : null,
                firstLayerApart = Found.FirstLayerApart,
                layers = Finite(Found.Layers),
                greedy = Found.Greedy is { } g
                    ? new { firstDifference = g.FirstDifference, margin = Finite(g.Margin), emitted = g.Emitted, onnx = g.Onnx, emittedText = Text(g.Emitted), onnxText = Text(g.Onnx) }
                    : null,
            },
            Output.Json));

    /// <summary>JSON has no infinity: null stands for a difference that is none.</summary>
    private static double? Finite(double number) => double.IsFinite(number) ? number : null;

    private static object Finite(IEnumerable<LayerDifference> layers) => layers.Select(layer => new { layer = layer.Layer, keys = Finite(layer.Keys), values = Finite(layer.Values) });

    private static object Finite(LogitsDifference d) => new
    {
        largest = Finite(d.Largest), relative = Finite(d.Relative), meanKl = Finite(d.MeanKl), largestKl = Finite(d.LargestKl), topOne = d.TopOne,
    };

    private static string Show(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string[] Row(string what, LogitsDifference d)
        => [what, Show($"{d.Largest:0.0e+00}"), Show($"{d.Relative:0.0e+00}"), Show($"{d.MeanKl:0.0e+00}"), Show($"{d.LargestKl:0.0e+00}"), Show($"{100 * d.TopOne:F1} %")];

    private void WriteLayers()
    {
        WriteLayers(Found.Roundings is null ? "" : " of the emitted code, against the reference that rounds alike", Found.Layers);
        if (Found.FirstLayerApart >= 0)
        {
            Console.WriteLine(Show($"apart from layer {Found.FirstLayerApart} on: the fault is in its norm, projections or rotation, or in the layer before"));
        }

        if (Found.Roundings is { } roundings)
        {
            WriteLayers(" of ONNX Runtime, against the reference on dequantised weights", roundings.OnnxLayers);
            RoundingCounts c = roundings.Counts;
            Console.WriteLine(Show(
                $"of {c.Rounded:N0} rounded numbers {c.Followed:N0} in the middle between two steps went the other way than in double precision, the farthest {c.Farthest:0.0e+00} of their size from it; {c.Wrong:N0} elsewhere"));
        }
    }

    private void WriteLayers(string what, IReadOnlyList<LayerDifference> all)
    {
        IEnumerable<string> layers = all
            .Where(layer => all.Count <= LayersShown || layer.Layer % ((all.Count + LayersShown - 1) / LayersShown) == 0 || layer.Layer == all.Count - 1 || layer.Layer == Found.FirstLayerApart)
            .Select(layer => Show($"{layer.Layer}: {layer.Relative:0.0e+00}"));
        Console.WriteLine($"keys and values by layer{what}: {string.Join(", ", layers)}");
    }

    private void WriteTexts()
    {
        if (Found.Greedy is { } greedy)
        {
            Console.WriteLine(greedy.FirstDifference < 0
                ? Show($"at temperature 0 both write the same {greedy.Emitted.Count} tokens: {Text(greedy.Emitted)}")
                : Show($"at temperature 0 they part at token {greedy.FirstDifference}, where {greedy.Margin:0.0e+00} decides:\n  emitted code: {Text(greedy.Emitted)}\n  ONNX Runtime: {Text(greedy.Onnx)}"));
        }
    }

    private string Text(IReadOnlyList<int> tokens) => Tokenizer is null ? string.Join(' ', tokens) : $"\"{Tokenizer.Decode([.. tokens]).ReplaceLineEndings("\\n")}\"";
}

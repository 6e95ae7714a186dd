using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Onnx.Export;

namespace ModelCompiler.Tool.Hosting;

/// <summary>A model folder as an ONNX file in the user's cache, so that it is written once.</summary>
internal static class ExportedModel
{
    private const string ModelFile = "model.onnx";

    /// <summary>Path of the file; <paramref name="merged"/>: an adapter that is merged into the matrices.</summary>
    public static string Get(
        string directory, string weights, OnnxExportOptions options, Func<string, long, IProgress<long>> report, CancellationToken cancellation, AdapterChoice? merged = null)
    {
        string build = typeof(OnnxExporter).Module.ModuleVersionId.ToString();
        string key = CacheKey.Of(directory, weights, $"{options} {build}{(merged is null ? "" : $", merged {merged.Identity}")}");
        return Path.Combine(CacheFolder.OfUser().GetOrAdd(key, Write), ModelFile);

        void Write(string place)
        {
            using PlannedModel model = PlannedModel.Open(directory, ModelHost.ModelName, new PlanOptions(weights), merged);
            OnnxExporter.Write(
                model.Plan, model.Parameters, Path.Combine(place, ModelFile), options, report("exporting", model.Plan.Weights.LengthBytes), model.Folder.ThrowIfChanged, cancellation);
        }
    }
}

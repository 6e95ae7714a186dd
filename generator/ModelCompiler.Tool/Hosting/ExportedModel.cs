using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Onnx.Export;

namespace ModelCompiler.Tool.Hosting;

/// <summary>A model folder as an ONNX file in the user's cache, so that it is written once.</summary>
internal static class ExportedModel
{
    private const string ModelFile = "model.onnx";

    /// <summary>Path of the file.</summary>
    public static string Get(
        string directory, string weights, OnnxExportOptions options, Func<string, long, IProgress<long>> report, CancellationToken cancellation)
    {
        string build = typeof(OnnxExporter).Module.ModuleVersionId.ToString();
        string key = CacheKey.Of(directory, weights, $"{options} {build}");
        return Path.Combine(CacheFolder.OfUser().GetOrAdd(key, Write), ModelFile);

        void Write(string place)
        {
            using PlannedModel model = PlannedModel.Open(directory, name: null, new PlanOptions(weights));
            OnnxExporter.Write(
                model.Plan, new PublishedParameters(model.Folder), Path.Combine(place, ModelFile), options, report("exporting", model.Plan.Weights.LengthBytes), model.Folder.ThrowIfChanged, cancellation);
        }
    }
}

using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.Benchmarks;

/// <summary>Models with random weights of known shapes, made once and kept in the temporary folder.</summary>
internal static class BenchmarkModels
{
    /// <summary>Where everything lies that benchmarks make.</summary>
    public static string Root { get; } = Path.Combine(Path.GetTempPath(), "modelcompiler-benchmarks");

    /// <summary>The folder of a shape that <c>modelc synth --like</c> knows.</summary>
    public static string Folder(string shape)
    {
        string folder = Path.Combine(Root, shape);
        if (!File.Exists(Path.Combine(folder, "config.json")))
        {
            SyntheticModel.Write(folder, SyntheticConfigs.Published[shape], new SyntheticModelOptions());
        }

        return folder;
    }
}

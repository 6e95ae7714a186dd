using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// config.json. Two configs are equal when their files are: the incremental generator compares them by text and parses
/// only where a model is really built, through <see cref="Open"/>.
/// </summary>
public sealed record ModelConfig(TextFile File)
{
    /// <summary>Parses the file. Null after an error was reported.</summary>
    public ConfigReader? Open(ICollection<ModelDiagnostic> diagnostics)
    {
        JsonValue? root = JsonReader.Read(File, diagnostics);
        if (root is null)
        {
            return null;
        }

        if (root.Kind == JsonKind.Object)
        {
            return new ConfigReader(File.Path, root, diagnostics);
        }

        diagnostics.Report(
            Catalogue.WrongType, new SourceSpan(File.Path, root.Line, root.Column), "config.json",
            root.Describe(), "an object", "Use the config.json that was published with the model.");
        return null;
    }
}

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
        => ConfigReader.Open(File, "Correct the value, or use the config that was published with the model.", diagnostics);
}

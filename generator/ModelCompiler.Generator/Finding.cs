using Microsoft.CodeAnalysis;
using ModelCompiler.Compiler.Diagnostics;
using Severity = ModelCompiler.Compiler.Diagnostics.DiagnosticSeverity;

namespace ModelCompiler.Generator;

/// <summary>A diagnostic as plain values, made into Roslyn's only when it is reported.</summary>
internal sealed record Finding(DiagnosticRule Rule, string Message, SourcePlace Place)
{
    /// <summary>What the core found in one of the user's files, with its place there.</summary>
    public static Finding Of(ModelDiagnostic diagnostic, ModelSources sources)
    {
        SourceSpan where = diagnostic.Where;
        string text = where.File == sources.Manifest.Path ? sources.Manifest.Text : sources.Config.Text;
        return new(diagnostic.Rule, diagnostic.Message, SourcePlace.Of(InFolder(where.File, sources.Config.Path), text, where.Line, where.Column));
    }

    /// <summary>Tensors know their files by name alone, so that plans do not depend on the machine; the files lie beside the config.</summary>
    private static string InFolder(string file, string configPath)
        => file.EndsWith(".safetensors", StringComparison.Ordinal) && Path.GetFileName(file) == file
            ? Path.Combine(Path.GetDirectoryName(configPath) ?? "", file)
            : file;

    /// <summary>Roslyn's form. Ids and messages come from the core's catalogue, so descriptors are made from it.</summary>
    public Diagnostic ToDiagnostic()
    {
        DiagnosticDescriptor descriptor = new(
            Rule.Id,
            Rule.Title,
            "{0}",
            "ModelCompiler",
            Rule.Severity == Severity.Error ? Microsoft.CodeAnalysis.DiagnosticSeverity.Error : Microsoft.CodeAnalysis.DiagnosticSeverity.Warning,
            isEnabledByDefault: true);
        return Diagnostic.Create(descriptor, Place.ToLocation(), Message);
    }
}

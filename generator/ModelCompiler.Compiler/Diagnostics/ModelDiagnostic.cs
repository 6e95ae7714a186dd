namespace ModelCompiler.Compiler.Diagnostics;

/// <summary>A place in one of the user's files. Lines and columns count from 1; 0 means that the file as a whole is meant.</summary>
public readonly record struct SourceSpan(string File, int Line = 0, int Column = 0);

/// <summary>How grave a diagnostic is. An error stops the compilation of that model; nothing is emitted or packed.</summary>
public enum DiagnosticSeverity
{
    Warning,
    Error,
}

/// <summary>
/// One finding about a model: which rule (<c>MC0xx</c> inputs, <c>MC1xx</c> graph, <c>MC2xx</c> plan), where,
/// and a sentence that tells what was found, what was expected and what to do.
/// </summary>
public sealed record ModelDiagnostic(DiagnosticRule Rule, SourceSpan Where, string Message)
{
    /// <summary>The canonical form that MSBuild and editors understand: <c>file(line,column): error MC001: message</c>.</summary>
    public override string ToString()
    {
        string place = Where.Line > 0 ? $"{Where.File}({Where.Line},{Where.Column})" : Where.File;
        string severity = Rule.Severity == DiagnosticSeverity.Error ? "error" : "warning";
        return $"{place}: {severity} {Rule.Id}: {Message}";
    }
}

/// <summary>A rule of the catalogue: one id, one meaning, one page in docs/diagnostics, one test.</summary>
public sealed record DiagnosticRule(string Id, DiagnosticSeverity Severity, string Title);

/// <summary>Thrown where a model cannot be taken any further; carries the diagnostic that says why.</summary>
public sealed class ModelException(ModelDiagnostic diagnostic) : Exception(diagnostic.ToString())
{
    /// <summary>What is wrong and where.</summary>
    public ModelDiagnostic Diagnostic { get; } = diagnostic;
}

using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Tool.Packing;

/// <summary>What can be wrong with the numbers of a model.</summary>
internal static class PackingRules
{
    public static DiagnosticRule NotFinite { get; } = new("MC210", DiagnosticSeverity.Error, "A weight is not a finite number");

    public static DiagnosticRule TooLarge { get; } = new("MC211", DiagnosticSeverity.Error, "A weight does not fit the chosen format");
}

using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Generator;

/// <summary>What can be wrong between a project, its models and the classes that ask for them. The build's targets use MC310 and up.</summary>
internal static class BuildRules
{
    /// <summary>The attribute names a model that the project does not have.</summary>
    public static DiagnosticRule UnknownModel { get; } = Error("MC301", "The project has no such model");

    /// <summary>The emitted half has nothing to join.</summary>
    public static DiagnosticRule NotPartial { get; } = Error("MC302", "A compiled model's class must be partial");

    /// <summary>Static, abstract, generic, nested, a record, or local to its file.</summary>
    public static DiagnosticRule WrongKindOfClass { get; } = Error("MC303", "A compiled model's class must be an ordinary top-level class");

    /// <summary>There is no manifest yet: the editor asked before the first build.</summary>
    public static DiagnosticRule NotPacked { get; } = Error("MC304", "The model's weights have not been packed yet");

    /// <summary>Code and packed weights would not belong together.</summary>
    public static DiagnosticRule OutdatedManifest { get; } = Error("MC305", "The packed weights are older than the model");

    /// <summary>The class is to be trained, but the item did not say so.</summary>
    public static DiagnosticRule NotPackedForTraining { get; } = Error("MC306", "The model's weights have not been packed for training");

    /// <summary>The item says that the model is to be trained, but no class does.</summary>
    public static DiagnosticRule NoClassTrains { get; } = new("MC307", DiagnosticSeverity.Warning, "The weights are packed for training, and no class trains them");

    /// <summary>The project's C# is older than the one that code is emitted in.</summary>
    public static DiagnosticRule OldLanguage { get; } = Error("MC308", "A project with a model is written in a version of C# that is too old");

    private static DiagnosticRule Error(string id, string title) => new(id, DiagnosticSeverity.Error, title);
}

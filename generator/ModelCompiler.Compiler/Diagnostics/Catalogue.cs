namespace ModelCompiler.Compiler.Diagnostics;

/// <summary>
/// Every rule: <c>MC0xx</c> inputs, <c>MC1xx</c> graph, <c>MC2xx</c> plan. An id keeps its meaning for ever; a
/// retired id is not used again. Each has a page in docs/diagnostics.
/// </summary>
public static class Catalogue
{
    /// <summary>MC001.</summary>
    public static DiagnosticRule BrokenJson { get; } = Error("MC001", "A file is not valid JSON");

    /// <summary>MC002.</summary>
    public static DiagnosticRule DuplicateKey { get; } = Error("MC002", "A JSON key occurs twice");

    /// <summary>MC003.</summary>
    public static DiagnosticRule MissingValue { get; } = Error("MC003", "A required value is missing");

    /// <summary>MC004.</summary>
    public static DiagnosticRule WrongType { get; } = Error("MC004", "A value has the wrong type");

    /// <summary>MC005.</summary>
    public static DiagnosticRule OutOfRange { get; } = Error("MC005", "A value is out of range");

    /// <summary>MC006.</summary>
    public static DiagnosticRule UnsupportedValue { get; } = Error("MC006", "A setting of the model is not supported");

    /// <summary>MC007.</summary>
    public static DiagnosticRule InconsistentSizes { get; } = Error("MC007", "Two sizes of the model contradict each other");

    /// <summary>MC008.</summary>
    public static DiagnosticRule MisspeltSetting { get; } = new("MC008", DiagnosticSeverity.Warning, "A setting of the config looks misspelt");

    /// <summary>MC010.</summary>
    public static DiagnosticRule UnsafeName { get; } = Error("MC010", "A name contains characters that are not safe");

    /// <summary>MC011.</summary>
    public static DiagnosticRule HeaderLength { get; } = Error("MC011", "A safetensors header is truncated or too long");

    /// <summary>MC012.</summary>
    public static DiagnosticRule HeaderEntry { get; } = Error("MC012", "A safetensors header describes a tensor wrongly");

    /// <summary>MC013.</summary>
    public static DiagnosticRule TensorLayout { get; } = Error("MC013", "The data of a safetensors file does not lie as its header says");

    /// <summary>MC014.</summary>
    public static DiagnosticRule UnsupportedTensorType { get; } = Error("MC014", "A tensor has an element type that is not supported");

    /// <summary>MC015.</summary>
    public static DiagnosticRule ShardPath { get; } = Error("MC015", "A file name leaves the model's folder");

    /// <summary>MC016.</summary>
    public static DiagnosticRule ShardContent { get; } = Error("MC016", "The shards and their index contradict each other");

    /// <summary>MC020.</summary>
    public static DiagnosticRule ManifestVersion { get; } = Error("MC020", "A manifest was written by another version");

    /// <summary>MC021.</summary>
    public static DiagnosticRule UnreadableFile { get; } = Error("MC021", "A file of the model is missing or cannot be read");

    /// <summary>MC022.</summary>
    public static DiagnosticRule UnusableTokenizer { get; } = Error("MC022", "The tokenizer is broken or not supported");

    /// <summary>MC101.</summary>
    public static DiagnosticRule UnknownFamily { get; } = Error("MC101", "The model's family is unknown");

    /// <summary>MC102.</summary>
    public static DiagnosticRule MissingTensor { get; } = Error("MC102", "A tensor is missing");

    /// <summary>MC103.</summary>
    public static DiagnosticRule WrongShape { get; } = Error("MC103", "A tensor has the wrong shape");

    /// <summary>MC104.</summary>
    public static DiagnosticRule UnsupportedRope { get; } = Error("MC104", "The type of rotary position embedding is not supported");

    /// <summary>MC105.</summary>
    public static DiagnosticRule UnusedTensors { get; } = new("MC105", DiagnosticSeverity.Warning, "Tensors are not used");

    /// <summary>MC110.</summary>
    public static DiagnosticRule UndefinedValue { get; } = Error("MC110", "The graph reads a value before it is written");

    /// <summary>MC111.</summary>
    public static DiagnosticRule RedefinedValue { get; } = Error("MC111", "The graph writes a value twice");

    /// <summary>MC112.</summary>
    public static DiagnosticRule WidthMismatch { get; } = Error("MC112", "Widths in the graph disagree");

    /// <summary>MC113.</summary>
    public static DiagnosticRule ParameterMismatch { get; } = Error("MC113", "A parameter does not fit its operation or its tensor");

    /// <summary>MC114.</summary>
    public static DiagnosticRule UnknownRopeTable { get; } = Error("MC114", "The graph names a rotary table that it does not have");

    /// <summary>MC115.</summary>
    public static DiagnosticRule InvalidAttention { get; } = Error("MC115", "An attention of the graph is not well formed");

    /// <summary>MC201.</summary>
    public static DiagnosticRule UnknownFormat { get; } = Error("MC201", "A format is unknown");

    /// <summary>MC202.</summary>
    public static DiagnosticRule NotLowered { get; } = Error("MC202", "An operation has no kernel in this use");

    /// <summary>MC203.</summary>
    public static DiagnosticRule TooLarge { get; } = Error("MC203", "The model is larger than a program can address");

    /// <summary>MC204.</summary>
    public static DiagnosticRule UselessOverride { get; } = Error("MC204", "A weights format is given to matrices that the model does not have");

    /// <summary>MC205.</summary>
    public static DiagnosticRule MixedGate { get; } = Error("MC205", "Gate and up matrices have different weights formats");

    /// <summary>MC210.</summary>
    public static DiagnosticRule WeightNotFinite { get; } = Error("MC210", "A weight is not a finite number");

    /// <summary>MC211.</summary>
    public static DiagnosticRule WeightTooLarge { get; } = Error("MC211", "A weight does not fit the chosen format");

    /// <summary>MC212.</summary>
    public static DiagnosticRule TooLargeToEmbed { get; } = Error("MC212", "The packed weights are too large to be embedded");

    /// <summary>All of them, by id.</summary>
    public static IReadOnlyList<DiagnosticRule> All { get; } =
    [
        BrokenJson, DuplicateKey, MissingValue, WrongType, OutOfRange, UnsupportedValue, InconsistentSizes, MisspeltSetting,
        UnsafeName, HeaderLength, HeaderEntry, TensorLayout, UnsupportedTensorType, ShardPath, ShardContent,
        ManifestVersion, UnreadableFile, UnusableTokenizer,
        UnknownFamily, MissingTensor, WrongShape, UnsupportedRope, UnusedTensors,
        UndefinedValue, RedefinedValue, WidthMismatch, ParameterMismatch, UnknownRopeTable, InvalidAttention,
        UnknownFormat, NotLowered, TooLarge, UselessOverride, MixedGate,
        WeightNotFinite, WeightTooLarge, TooLargeToEmbed,
    ];

    private static DiagnosticRule Error(string id, string title) => new(id, DiagnosticSeverity.Error, title);
}

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ModelCompiler.Generator;

/// <summary>The version of C# that emitted code is written in. In an older one each of its lines would be an error.</summary>
internal static class EmittedLanguage
{
    /// <summary>Kernels are static abstract members of an interface (C# 11), lists are collection expressions (12).</summary>
    public const LanguageVersion Oldest = LanguageVersion.CSharp12;

    /// <summary>The project's version, when that is too old; else null.</summary>
    public static string? TooOld(ParseOptions options)
        => options is CSharpParseOptions { LanguageVersion: < Oldest and var version } ? version.ToDisplayString() : null;

    /// <summary>One finding for the project, at the first of its classes; null where there is none, or the version will do.</summary>
    public static Finding? Check(string? tooOld, AttributeUse? first) => tooOld is null || first is null
        ? null
        : new(
            BuildRules.OldLanguage,
            $"the version of C#: found {tooOld}, expected {Oldest.ToDisplayString()} or later, which models are written in. Set LangVersion in the project to it, or take LangVersion away: net10.0 has a later one.",
            first.Place);
}

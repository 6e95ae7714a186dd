using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Generator;

/// <summary>Reads a use of the attribute into plain values, and says what is wrong with it.</summary>
internal static class AttributeReader
{
    private static readonly SymbolDisplayFormat NamespaceFormat = SymbolDisplayFormat.FullyQualifiedFormat
        .WithGlobalNamespaceStyle(SymbolDisplayGlobalNamespaceStyle.Omitted);

    /// <summary>The class that carries the attribute.</summary>
    public static AttributeUse Read(GeneratorAttributeSyntaxContext use, CancellationToken cancellation)
    {
        TypeDeclarationSyntax declaration = (TypeDeclarationSyntax)use.TargetNode;
        AttributeData attribute = use.Attributes[0];
        SyntaxNode marked = attribute.ApplicationSyntaxReference?.GetSyntax(cancellation) ?? declaration;
        FilePlace place = FilePlace.Of(marked, cancellation);

        if (Refuse(declaration, use.TargetSymbol, place) is { } problem)
        {
            return new(null, problem, place);
        }

        INamespaceSymbol space = use.TargetSymbol.ContainingNamespace;
        string name = attribute.ConstructorArguments is [{ Value: string text }] ? text : "";
        ModelTarget target = new(
            space.IsGlobalNamespace ? "" : space.ToDisplayString(NamespaceFormat),
            declaration.Identifier.Text,
            string.Join(" ", declaration.Modifiers.Where(modifier => !IsEmittedAnyway(modifier)).Select(modifier => modifier.Text)),
            name,
            ReadFeatures(attribute));
        return new(target, null, place);
    }

    /// <summary>Every property that is set to true and is named as a feature.</summary>
    private static ModelFeatures ReadFeatures(AttributeData attribute)
    {
        ModelFeatures features = ModelFeatures.None;
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
        {
            if (argument.Value.Value is true && Enum.TryParse(argument.Key, out ModelFeatures feature))
            {
                features |= feature;
            }
        }

        return features;
    }

    /// <summary>What is wrong with a use, now that the project's models are known; null when nothing is.</summary>
    public static Finding? Check(AttributeUse use, EquatableArray<string> models, EquatableArray<string> packed)
    {
        if (use.Problem is not null || use.Target is null)
        {
            return use.Problem;
        }

        string name = use.Target.ModelName;
        if (!models.Contains(name))
        {
            string known = models.Count == 0 ? "none" : string.Join(", ", models.Select(model => $"'{model}'"));
            return new(BuildRules.UnknownModel, $"no model is named '{name}'; the project's models are: {known}. Add <CompiledModel Include=\"path/to/{name}\" /> to the project, or correct the name.", use.Place);
        }

        return packed.Contains(name)
            ? null
            : new(BuildRules.NotPacked, $"the weights of '{name}' have not been packed yet, so its code cannot be written. Build the project once.", use.Place);
    }

    /// <summary>Every emitted part is <c>unsafe partial</c>, and a modifier may not stand twice.</summary>
    private static bool IsEmittedAnyway(SyntaxToken modifier) => modifier.IsKind(SyntaxKind.PartialKeyword) || modifier.IsKind(SyntaxKind.UnsafeKeyword);

    private static Finding? Refuse(TypeDeclarationSyntax declaration, ISymbol symbol, FilePlace place)
    {
        string name = declaration.Identifier.Text;
        if (Obstacle(declaration, symbol) is { } obstacle)
        {
            return new(BuildRules.WrongKindOfClass, $"'{name}' is {obstacle}; a compiled model needs a top-level class that is neither static, abstract, generic, a record nor local to its file. Declare it so: [CompiledModel(\"…\")] public sealed partial class {name};", place);
        }

        return declaration.Modifiers.Any(SyntaxKind.PartialKeyword)
            ? null
            : new(BuildRules.NotPartial, $"'{name}' is not partial, so the compiled model cannot be written into it. Add the partial modifier.", place);
    }

    private static string? Obstacle(TypeDeclarationSyntax declaration, ISymbol symbol) => declaration switch
    {
        RecordDeclarationSyntax => "a record",
        not ClassDeclarationSyntax => "not a class",
        { Arity: > 0 } => "generic",
        _ when symbol.ContainingType is not null => $"nested in '{symbol.ContainingType.Name}'",
        _ when symbol.IsStatic => "static",
        _ when symbol.IsAbstract => "abstract",
        _ when declaration.Modifiers.Any(SyntaxKind.FileKeyword) => "local to its file",
        _ => null,
    };
}

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
        SourcePlace place = SourcePlace.Of(marked, cancellation);

        if (Obstacle(declaration, use.TargetSymbol) is { } obstacle)
        {
            return new(null, new(BuildRules.WrongKindOfClass, $"'{declaration.Identifier.Text}' is {obstacle}; a compiled model needs a top-level class that is neither static, abstract, generic, a record nor local to its file. Declare it so: [CompiledModel(\"…\")] public sealed partial class {declaration.Identifier.Text};", place), place);
        }

        INamespaceSymbol space = use.TargetSymbol.ContainingNamespace;
        string name = attribute.ConstructorArguments is [{ Value: string text }] ? text : "";
        ModelTarget target = new(
            space.IsGlobalNamespace ? "" : space.ToDisplayString(NamespaceFormat),
            declaration.Identifier.Text,
            string.Join(" ", declaration.Modifiers.Where(modifier => !IsEmittedAnyway(modifier)).Select(modifier => modifier.Text)),
            name,
            ReadFeatures(attribute));
        return new(target, NotPartial(declaration, place), place);
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

    /// <summary>
    /// Where classes and items disagree about training: weights that are packed for it though none of their classes can be trained, told at the first class of each model, and classes that are to be
    /// trained though their weights are not packed for it.
    /// </summary>
    public static IEnumerable<Finding> CheckTraining(IEnumerable<AttributeUse> uses, EquatableArray<string> packed, EquatableArray<string> notPacked)
    {
        IEnumerable<IGrouping<string, AttributeUse>> models = uses.Where(use => use.Target is not null).GroupBy(use => use.Target!.ModelName);
        foreach (IGrouping<string, AttributeUse> model in models)
        {
            AttributeUse[] trained = [.. model.Where(use => use.Target!.Features.HasFlag(ModelFeatures.Training))];
            if (trained.Length == 0 && packed.Contains(model.Key))
            {
                yield return new(
                    BuildRules.NoClassTrains,
                    $"the CompiledModel item '{model.Key}': found Training=\"true\" there, and no class that can be trained, expected both. Write [CompiledModel(\"{model.Key}\", Training = true)] here, or take Training off the item.",
                    model.First().Place);
            }

            foreach (AttributeUse use in trained.Where(_ => notPacked.Contains(model.Key)))
            {
                yield return new(
                    BuildRules.NotPackedForTraining,
                    $"the model '{model.Key}': found a class with Training = true, and weights that were not packed for it, expected both. Set Training=\"true\" at its CompiledModel item, and build, or take Training off the class.",
                    use.Place);
            }
        }
    }

    /// <summary>Every emitted part is <c>unsafe partial</c>, and a modifier may not stand twice.</summary>
    private static bool IsEmittedAnyway(SyntaxToken modifier) => modifier.IsKind(SyntaxKind.PartialKeyword) || modifier.IsKind(SyntaxKind.UnsafeKeyword);

    /// <summary>Such a class is compiled all the same: of what follows, C# itself then says the same only (CS0260).</summary>
    private static Finding? NotPartial(TypeDeclarationSyntax declaration, SourcePlace place) => declaration.Modifiers.Any(SyntaxKind.PartialKeyword)
        ? null
        : new(BuildRules.NotPartial, $"'{declaration.Identifier.Text}' is not partial, so the compiled model cannot be written into it. Add the partial modifier.", place);

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

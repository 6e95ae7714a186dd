using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;
using ModelCompiler.Compiler;
using System.Text;

namespace ModelCompiler.Generator;

/// <summary>
/// Writes the classes marked <c>[CompiledModel("name")]</c>. A rim around the core: it finds the classes and the model
/// files, and hands values over.
/// <para>Two pipelines leave it: sources and findings. Neither sees where a class stands, except for the finding that points there,
/// so an edit that moves a class compiles nothing.</para>
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class CompiledModelGenerator : IIncrementalGenerator
{
    internal const string AttributeName = "ModelCompiler.CompiledModelAttribute";

    private readonly IModelCompiler compiler;

    /// <summary>For the C# compiler.</summary>
    public CompiledModelGenerator()
        : this(new CoreCompiler())
    {
    }

    internal CompiledModelGenerator(IModelCompiler compiler)
    {
        this.compiler = compiler;
    }

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<AttributeUse> uses = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                AttributeName,
                static (node, _) => node is TypeDeclarationSyntax,
                static (use, cancellation) => AttributeReader.Read(use, cancellation))
            .WithTrackingName(Steps.Uses);

        IncrementalValueProvider<ModelFiles> files = context.AdditionalTextsProvider
            .Combine(context.AnalyzerConfigOptionsProvider)
            .SelectMany(static (pair, cancellation) => ModelFile.Read(pair.Left, pair.Right, cancellation))
            .Collect()
            .Select(static (all, _) => ModelFiles.Of(all))
            .WithTrackingName(Steps.Files);

        IncrementalValueProvider<(EquatableArray<string> Packed, EquatableArray<string> NotPacked)> forTraining = files.Select(static (all, _) => (all.PackedForTraining, all.NotPackedForTraining));

        IncrementalValueProvider<string?> tooOld = context.ParseOptionsProvider.Select(static (options, _) => EmittedLanguage.TooOld(options));

        IncrementalValuesProvider<ModelOutcome> outcomes = uses
            .Select(static (use, _) => use.Target)
            .WithTrackingName(Steps.Targets)
            .Combine(files)
            .Where(static pair => pair.Left is not null)
            .Select(static (pair, _) => (Target: pair.Left!, Sources: pair.Right.Find(pair.Left!.ModelName)))
            .Combine(tooOld)
            .Select(static (pair, _) => pair.Right is null ? pair.Left : (pair.Left.Target, Sources: null))
            .WithTrackingName(Steps.Requests)
            .Select((request, cancellation) => Compile(request.Target, request.Sources, cancellation))
            .WithTrackingName(Steps.Outcomes);

        context.RegisterSourceOutput(
            outcomes.Select(static (outcome, _) => (outcome.HintPrefix, outcome.Files)).WithTrackingName(Steps.Sources),
            static (output, emitted) => AddSources(output, emitted.HintPrefix, emitted.Files));

        context.RegisterSourceOutput(
            outcomes.SelectMany(static (outcome, _) => outcome.Findings).WithTrackingName(Steps.Findings),
            static (output, finding) => output.ReportDiagnostic(finding.ToDiagnostic()));

        context.RegisterSourceOutput(
            uses.Combine(files.Select(static (all, _) => (all.Names, all.PackedNames)))
                .Select(static (pair, _) => AttributeReader.Check(pair.Left, pair.Right.Names, pair.Right.PackedNames))
                .Where(static finding => finding is not null)
                .WithTrackingName(Steps.Misuses),
            static (output, finding) => output.ReportDiagnostic(finding!.ToDiagnostic()));

        context.RegisterSourceOutput(
            uses.Collect().Combine(forTraining).SelectMany(static (pair, _) => AttributeReader.CheckTraining(pair.Left, pair.Right.Packed, pair.Right.NotPacked)),
            static (output, finding) => output.ReportDiagnostic(finding.ToDiagnostic()));

        context.RegisterSourceOutput(
            uses.Collect().Combine(tooOld).Select(static (pair, _) => EmittedLanguage.Check(pair.Right, pair.Left.FirstOrDefault())),
            static (output, finding) =>
            {
                if (finding is not null)
                {
                    output.ReportDiagnostic(finding.ToDiagnostic());
                }
            });
    }

    /// <summary>Without files of the model, or with an error in them, or in a language too old for it, there is a placeholder.</summary>
    private ModelOutcome Compile(ModelTarget target, ModelSources? sources, CancellationToken cancellation)
    {
        ModelOutcome outcome = sources is null
            ? new(target.HintPrefix, EquatableArray<GeneratedFile>.Empty, EquatableArray<Finding>.Empty)
            : compiler.Compile(new(target, sources), cancellation);
        return outcome.Files.Count > 0
            ? outcome
            : outcome with { Files = new([ModelCompilation.EmitPlaceholder(target.ModelName, target.Namespace, target.ClassName, target.Modifiers, target.Features)]) };
    }

    /// <summary>A file is named by namespace and class, without the @ of keywords: Roslyn refuses it in a name.</summary>
    private static void AddSources(SourceProductionContext output, string prefix, EquatableArray<GeneratedFile> files)
    {
        foreach (GeneratedFile file in files)
        {
            output.AddSource((prefix + "." + file.HintName).Replace("@", ""), SourceText.From(file.Text, Encoding.UTF8));
        }
    }

    /// <summary>Names under which the driver records why a step ran.</summary>
    internal static class Steps
    {
        public const string Uses = nameof(Uses);
        public const string Files = nameof(Files);
        public const string Targets = nameof(Targets);
        public const string Requests = nameof(Requests);
        public const string Outcomes = nameof(Outcomes);
        public const string Sources = nameof(Sources);
        public const string Findings = nameof(Findings);
        public const string Misuses = nameof(Misuses);
    }
}

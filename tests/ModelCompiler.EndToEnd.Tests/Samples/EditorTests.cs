using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.FindSymbols;
using Microsoft.CodeAnalysis.MSBuild;
using ModelCompiler.EndToEnd.Tests.CommandLine;
using ModelCompiler.Tests;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>samples/HelloModel opened as editors open projects: through MSBuild's design-time build, with the generator running inside the workspace.</summary>
public sealed class EditorTests
{
    [Fact]
    public async Task GoToDefinitionOpensEmittedCode()
    {
        using MSBuildWorkspace workspace = MSBuildWorkspace.Create(new Dictionary<string, string> { ["Configuration"] = ChildProcess.Configuration });
        workspace.LoadMetadataForReferencedProjects = true;
        Project project = await workspace.OpenProjectAsync(Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel", "HelloModel.csproj"));
        Document program = project.Documents.Single(document => document.Name == "Program.cs");
        SyntaxNode root = (await program.GetSyntaxRootAsync())!;
        SemanticModel meaning = (await program.GetSemanticModelAsync())!;

        // A call in the program, and from where that leads a call in a layer: both are in documents that an editor can open.
        Document load = await DefinitionOf(project, meaning, root.DescendantNodes().OfType<InvocationExpressionSyntax>().First(call => call.ToString() == "HelloModel.Load()"));
        Assert.EndsWith("HelloModel.g.cs", load.Name);
        SourceGeneratedDocument layer = Assert.Single(await project.GetSourceGeneratedDocumentsAsync(), document => document.Name.EndsWith("HelloModel.Layer01.g.cs", StringComparison.Ordinal));
        SyntaxNode body = (await layer.GetSyntaxRootAsync())!;
        Document kernel = await DefinitionOf(
            project, (await layer.GetSemanticModelAsync())!, body.DescendantNodes().OfType<InvocationExpressionSyntax>().First(call => call.ToString().StartsWith("TKernels.Attention", StringComparison.Ordinal)));
        Assert.EndsWith(".g.cs", kernel.Name);
        Assert.NotEqual(layer.Name, kernel.Name);
    }

    private static async Task<Document> DefinitionOf(Project project, SemanticModel meaning, InvocationExpressionSyntax call)
    {
        ISymbol symbol = meaning.GetSymbolInfo(call).Symbol ?? throw new InvalidOperationException($"'{call}' means nothing");
        ISymbol definition = await SymbolFinder.FindSourceDefinitionAsync(symbol, project.Solution) ?? throw new InvalidOperationException($"'{symbol}' has no source");
        Location location = Assert.Single(definition.Locations, location => location.IsInSource);
        return Assert.IsType<SourceGeneratedDocument>(project.Solution.GetDocument(location.SourceTree));
    }
}

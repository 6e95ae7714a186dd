using ModelCompiler.Compiler;

namespace ModelCompiler.Generator;

/// <summary>One model to be compiled into one class: equal requests are never compiled twice.</summary>
internal sealed record ModelRequest(ModelTarget Target, ModelSources Sources);

/// <summary>What became of a request. With an error among the findings there are no files, or those of the class without what is wrong.</summary>
internal sealed record ModelOutcome(string HintPrefix, EquatableArray<GeneratedFile> Files, EquatableArray<Finding> Findings);

/// <summary>The core as the generator sees it; tests count its calls.</summary>
internal interface IModelCompiler
{
    /// <summary>Pure: the same outcome for the same request.</summary>
    ModelOutcome Compile(ModelRequest request, CancellationToken cancellation);
}

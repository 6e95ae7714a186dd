using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph.Architectures;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>From inputs to a verified graph.</summary>
public static class ModelGraphBuilder
{
    /// <summary>The graph of a model, or null after reporting at least one error. Never throws for a mistake in a model.</summary>
    public static ModelGraph? Build(ModelInputs inputs, ICollection<ModelDiagnostic> diagnostics)
    {
        SourceSpan wholeConfig = new(inputs.Config.File.Path);
        if (!SafeName.CheckModel(inputs.Name, wholeConfig, diagnostics)
            || !inputs.Tensors.All(tensor => SafeName.CheckTensor(tensor.Name, new SourceSpan(tensor.File), diagnostics))
            || inputs.Config.Open(diagnostics) is not { } config)
        {
            return null;
        }

        string family = config.Text("model_type");
        if (config.Failed)
        {
            return null;
        }

        if (ArchitectureRegistry.Find(family) is not { } architecture)
        {
            config.Report(
                Catalogue.UnknownFamily, "model_type",
                "one of " + string.Join(", ", ArchitectureRegistry.All.Select(known => known.Family)),
                "Use a model of one of these families, or add the family (docs/adding-an-architecture.md).");
            return null;
        }

        config.Refuse("quantization_config", "Use the unquantised weights of the model; they are quantised here, by the Weights option.");
        ModelGraph? graph = architecture.Build(config, new GraphBuilder(inputs, family, config.Where("model_type"), diagnostics));
        config.ReportMisspelt();
        return graph is not null && !config.Failed && GraphVerifier.Verify(graph, config.Where("model_type"), diagnostics) ? graph : null;
    }
}

using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Synthesis;

/// <summary>The model that a config.json describes, before there are weights.</summary>
/// <param name="Inputs">What the compiler core needs: the config, and the tensors that such a model has, in F32.</param>
/// <param name="Graph">The model.</param>
/// <param name="Warnings">What was found in the config and does not stop the work.</param>
internal sealed record ConfiguredModel(ModelInputs Inputs, ModelGraph Graph, IReadOnlyList<ModelDiagnostic> Warnings)
{
    /// <summary>Reads the config as the compiler does, and only then, when its sizes are within bounds, lists its tensors.</summary>
    /// <exception cref="ModelFindingsException">The config does not describe a model.</exception>
    public static ConfiguredModel Of(TextFile config, string name, CancellationToken cancellation)
    {
        List<ModelDiagnostic> found = [];
        ModelGraphBuilder.Build(new(name, new ModelConfig(config), EquatableArray<TensorInfo>.Empty), found);
        found.RemoveAll(diagnostic => diagnostic.Rule == Catalogue.MissingTensor); // there are none yet
        if (found.HasErrors())
        {
            throw new ModelFindingsException(found);
        }

        found.Clear();
        ModelInputs inputs = new(name, new ModelConfig(config), SyntheticTensors.Declare(config.Text, cancellation)); // made anew: only the constructor sorts them
        return ModelGraphBuilder.Build(inputs, found) is { } graph ? new(inputs, graph, found) : throw new ModelFindingsException(found);
    }
}

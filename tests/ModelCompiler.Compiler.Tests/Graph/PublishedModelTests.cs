using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Tests.Inputs;
using ModelCompiler.Tests;

namespace ModelCompiler.Compiler.Tests.Graph;

public class PublishedModelTests
{
    [Theory]
    [InlineData("stories260K", "llama", 5, 47)]
    [InlineData("gpt-nano-sort", "gpt2", 3, 53)]
    public void AGraphIsMadeWithoutAWordFromWhatWasPublished(string model, string family, int layers, int parameters)
    {
        string folder = SharedData.Require("models/" + model);
        List<ModelDiagnostic> diagnostics = [];
        TextFile config = new("config.json", File.ReadAllText(Path.Combine(folder, "config.json")));
        EquatableArray<TensorInfo> tensors = SafetensorsFile.Read(Path.Combine(folder, "model.safetensors"), diagnostics);

        ModelGraph? graph = ModelGraphBuilder.Build(new ModelInputs(model, new ModelConfig(config), tensors), diagnostics);

        Assert.Empty(diagnostics);
        Assert.NotNull(graph);
        Assert.Equal(family, graph.Family);
        Assert.Equal(layers, graph.Dimensions.Layers);
        Assert.Equal(parameters, graph.Parameters.Count());
    }
}

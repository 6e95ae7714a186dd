using Microsoft.CodeAnalysis;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.Generator.Tests;

/// <summary>The generator with the real core behind it.</summary>
public sealed class CoreCompilerTests
{
    private const string Class = """
        namespace App { [ModelCompiler.CompiledModel("story")] public sealed partial class StoryModel; }
        """;

    private const string TrainableClass = """
        namespace App { [ModelCompiler.CompiledModel("story", Training = true)] public sealed partial class StoryModel; }
        """;

    [Theory]
    [InlineData("llama-3of6")]
    [InlineData("mistral-window8")]
    [InlineData("qwen2-biased")]
    [InlineData("qwen3-head24")]
    [InlineData("gpt2-untied")]
    public void WhatIsEmittedCompilesWithoutAWarning(string shape)
    {
        string config = SyntheticConfigs.Small[shape];
        GeneratorRun run = new(new CoreCompiler(), ModelText.Model("story", config, Manifest(config)), Class);
        Assert.Empty(run.Diagnostics);
        Assert.All(run.Result.GeneratedSources, source => Assert.StartsWith("App.StoryModel.", source.HintName));
        Assert.True(run.Result.GeneratedSources.Length > 3);
        INamedTypeSymbol model = run.Output.GetTypeByMetadataName("App.StoryModel")!;
        Assert.Equal("ModelCompiler.Runtime.CompiledModel", model.BaseType!.ToDisplayString());
        Assert.NotEmpty(model.GetMembers("Load"));
    }

    /// <summary>With every feature, in the oldest C# that MC308 lets pass.</summary>
    [Theory]
    [InlineData("qwen3-head24")]
    [InlineData("gpt2-untied")]
    public void WhatIsEmittedForTrainingCompilesWithoutAWarning(string shape)
    {
        string config = SyntheticConfigs.Small[shape];
        GeneratorRun run = new(
            new CoreCompiler(), ModelText.Model("story", config, Manifest(config, forTraining: true)), EmittedLanguage.Oldest, TrainableClass.Replace("Training = true", "Trace = true, Training = true"));
        Assert.Empty(run.Diagnostics);
        INamedTypeSymbol model = run.Output.GetTypeByMetadataName("App.StoryModel")!;
        Assert.NotEmpty(model.GetMembers("LoadForTraining"));
        Assert.Equal("ModelCompiler.Runtime.Training.TrainableModel", model.GetTypeMembers("Trainable").Single().BaseType!.ToDisplayString());
    }

    [Fact]
    public void WeightsThatWereNotPackedForTrainingAreTold()
    {
        string config = SyntheticConfigs.Small["llama-head20"];
        GeneratorRun run = new(new CoreCompiler(), ModelText.Model("story", config, Manifest(config)), TrainableClass);
        Diagnostic found = Assert.Single(run.Result.Diagnostics);
        Assert.Equal(("MC306", "File0.cs"), (found.Id, found.Location.GetLineSpan().Path));
        Assert.Equal("ModelCompiler.CompiledModel(\"story\", Training = true)", TrainableClass.Substring(found.Location.SourceSpan.Start, found.Location.SourceSpan.Length));
        Assert.Same(found, Assert.Single(run.Diagnostics)); // LoadForTraining is there for those who call it
        Assert.NotEmpty(run.Output.GetTypeByMetadataName("App.StoryModel")!.GetMembers("LoadForTraining"));
    }

    [Fact]
    public void WeightsThatNoClassTrainsAreTold()
    {
        string config = SyntheticConfigs.Small["llama-head20"];
        ModelText[] model = ModelText.Model("story", config, Manifest(config, forTraining: true));
        Diagnostic found = Assert.Single(new GeneratorRun(new CoreCompiler(), model, Class).Diagnostics);
        Assert.Equal(("MC307", Microsoft.CodeAnalysis.DiagnosticSeverity.Warning, "File0.cs"), (found.Id, found.Severity, found.Location.GetLineSpan().Path));
        Assert.StartsWith("the CompiledModel item 'story': found Training=\"true\" there, ", found.GetMessage());
        Assert.Empty(new GeneratorRun(new CoreCompiler(), model, TrainableClass, "[ModelCompiler.CompiledModel(\"story\")] partial class Second;").Diagnostics);
    }

    [Fact]
    public void TwoClassesOfOneModelDoNotCollide()
    {
        string config = SyntheticConfigs.Small["llama-head20"];
        GeneratorRun run = new(new CoreCompiler(), ModelText.Model("story", config, Manifest(config)), Class, """
            [ModelCompiler.CompiledModel("story")] internal unsafe partial class Second;
            """);
        Assert.Empty(run.Diagnostics);
    }

    [Fact]
    public void AConfigThatIsNewerThanItsWeightsIsRefused()
    {
        string config = SyntheticConfigs.Small["llama-head20"];
        string changed = System.Text.RegularExpressions.Regex.Replace(Manifest(config), "(\"planHash\": \")[0-9a-f]{4}", "${1}0123");
        GeneratorRun run = new(new CoreCompiler(), ModelText.Model("story", config, changed), Class);
        Diagnostic found = Assert.Single(run.Result.Diagnostics);
        Assert.Equal("MC305", found.Id);
        Assert.Equal("/obj/story.manifest.json", found.Location.GetLineSpan().Path);
        Assert.Equal("App.StoryModel.StoryModel.Placeholder.g.cs", Assert.Single(run.Result.GeneratedSources).HintName);
    }

    [Fact]
    public void AMistakeInTheConfigPointsAtItsLine()
    {
        string config = SyntheticConfigs.Small["llama-head20"];
        string wrong = config.Replace("\"hidden_size\": 40", "\"hidden_size\": -40");
        GeneratorRun run = new(new CoreCompiler(), ModelText.Model("story", wrong, Manifest(config)), Class);
        Diagnostic found = Assert.Single(run.Result.Diagnostics);
        Assert.Equal("MC005", found.Id);
        FileLinePositionSpan place = found.Location.GetLineSpan();
        Assert.Equal("/models/story/config.json", place.Path);
        Assert.Equal("-40", wrong.Split('\n')[place.StartLinePosition.Line].Substring(place.StartLinePosition.Character, 3));
        Assert.Equal("-40", wrong.Substring(found.Location.SourceSpan.Start, 3));
    }

    /// <summary>What packing would have written for weights of that shape.</summary>
    private static string Manifest(string config, bool forTraining = false)
    {
        EquatableArray<TensorInfo> tensors = SyntheticTensors.Of(config)
            .Select(tensor => new TensorInfo(
                tensor.Name, TensorType.F32, tensor.Shape.ToEquatable(), "model.safetensors", 0, 4 * tensor.Shape.Aggregate(1L, (product, size) => product * size)))
            .ToEquatable();
        List<ModelDiagnostic> diagnostics = [];
        ModelPlan? plan = ModelCompilation.Plan(new("story", new ModelConfig(new TextFile("config.json", config)), tensors), new PlanOptions("bf16"), diagnostics);
        Assert.Empty(diagnostics);
        return new ModelManifest("story", "bf16", "f32", "story.mcw", null, plan!.Hash, new string('a', 64), tensors, forTraining ? new string('b', 64) : null).Write();
    }
}

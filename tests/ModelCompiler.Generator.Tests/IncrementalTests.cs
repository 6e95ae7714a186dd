using Microsoft.CodeAnalysis;
using Steps = ModelCompiler.Generator.CompiledModelGenerator.Steps;

namespace ModelCompiler.Generator.Tests;

/// <summary>Contract: nothing but a change of the model or of its class's own declaration runs the compiler core.</summary>
public sealed class IncrementalTests
{
    private const string Model = """
        using ModelCompiler;
        namespace App;
        [CompiledModel("story")] public sealed partial class StoryModel;
        """;

    private const string Unrelated = "class Other { int a = 1; }";

    private static readonly string[] AfterTheUse = [Steps.Targets, Steps.Requests, Steps.Outcomes, Steps.Sources, Steps.Files];

    [Fact]
    public void EditingUnrelatedCodeRunsNothing()
    {
        CountingCompiler core = new();
        GeneratorRun run = new(core, ModelText.Model("story"), Model, Unrelated);
        run.Edit(1, "class Other { int b = 2; void M() { } }");
        AssertIdle(run, [Steps.Uses, .. AfterTheUse]);
        Assert.Equal(1, core.Calls);
    }

    [Fact]
    public void MovingTheClassEmitsNothing()
    {
        CountingCompiler core = new();
        GeneratorRun run = new(core, ModelText.Model("story"), Model, Unrelated);
        run.Edit(0, "// a new first line\n" + Model + "\nclass Neighbour;");
        Assert.Contains(IncrementalStepRunReason.Modified, run.Reasons(Steps.Uses));
        AssertIdle(run, AfterTheUse);
        Assert.Equal(1, core.Calls);
    }

    [Fact]
    public void EditingTheConfigCompilesThatModelOnly()
    {
        CountingCompiler core = new();
        ModelText[] story = ModelText.Model("story");
        const string Chat = """
            [ModelCompiler.CompiledModel("chat")] public partial class ChatModel;
            """;
        GeneratorRun run = new(core, [.. story, .. ModelText.Model("chat")], Model, Chat);
        Assert.Equal(2, core.Calls);
        run.Replace(story[0], story[0].With("""{ "a": 1 }"""));
        Assert.Equal(3, core.Calls);
        Assert.Equal("StoryModel", core.Last!.Target.ClassName);
        Assert.Contains(IncrementalStepRunReason.Modified, run.Reasons(Steps.Sources));
        Assert.Contains("\"10\"", run.Result.GeneratedSources.Single(source => source.HintName.StartsWith("App.StoryModel", StringComparison.Ordinal)).SourceText.ToString());
    }

    /// <summary>A folder compiled twice, say in two formats: one config.json, which the build marks with both names, and two manifests.</summary>
    [Fact]
    public void ModelsOfOneFolderShareItsConfig()
    {
        CountingCompiler core = new();
        ModelText config = new("/models/story/config.json", "{}", "config", "q8|q4");
        const string Two = """
            [ModelCompiler.CompiledModel("q8")] public partial class Eight;
            [ModelCompiler.CompiledModel("q4")] public partial class Four;
            """;
        GeneratorRun run = new(core, [config, ModelText.Model("q8")[1], ModelText.Model("q4")[1]], Two);
        Assert.Empty(run.Result.Diagnostics);
        Assert.Equal(2, core.Calls);
        run.Replace(config, config.With("""{ "a": 1 }"""));
        Assert.Equal(4, core.Calls);
    }

    [Fact]
    public void EditingTheManifestCompilesAgain()
    {
        CountingCompiler core = new();
        ModelText[] story = ModelText.Model("story");
        GeneratorRun run = new(core, story, Model);
        run.Replace(story[1], story[1].With("""{ "content": "other" }"""));
        Assert.Equal(2, core.Calls);
    }

    [Fact]
    public void AnotherAdditionalFileRunsNothing()
    {
        CountingCompiler core = new();
        ModelText readme = new("/README.md", "text");
        GeneratorRun run = new(core, [.. ModelText.Model("story"), readme], Model);
        run.Replace(readme, readme.With("other text"));
        AssertIdle(run, AfterTheUse);
        Assert.Equal(1, core.Calls);
    }

    [Fact]
    public void RenamingTheClassCompilesAgain()
    {
        CountingCompiler core = new();
        GeneratorRun run = new(core, ModelText.Model("story"), Model);
        run.Edit(0, Model.Replace("StoryModel", "TaleModel"));
        Assert.Equal(2, core.Calls);
        Assert.Equal("App.TaleModel.Model.g.cs", run.Result.GeneratedSources.Single().HintName);
    }

    [Fact]
    public void CachedValuesHoldNoSymbolSyntaxOrCompilation()
    {
        GeneratorRun run = new(new CountingCompiler(), ModelText.Model("story", "broken"), Model, """
            [ModelCompiler.CompiledModel("story")] public partial class Second;
            [ModelCompiler.CompiledModel("absent")] public partial class Third;
            [ModelCompiler.CompiledModel("story")] public class NotPartial;
            """);
        int walked = 0;
        foreach ((string step, var runs) in run.Result.TrackedSteps)
        {
            // Other steps are the driver's own, which do hold compilations and syntax for as long as they are current.
            if (typeof(Steps).GetField(step) is not null)
            {
                foreach (object value in runs.SelectMany(made => made.Outputs).Select(output => output.Value))
                {
                    walked += CachedValueWalk.AssertPlain(value, step);
                }
            }
        }

        Assert.True(walked > 50, $"only {walked} objects were reached");
    }

    private static void AssertIdle(GeneratorRun run, string[] steps)
    {
        foreach (string step in steps)
        {
            IReadOnlyList<IncrementalStepRunReason> reasons = run.Reasons(step);
            Assert.NotEmpty(reasons);
            Assert.All(reasons, reason => Assert.True(
                reason is IncrementalStepRunReason.Cached or IncrementalStepRunReason.Unchanged, $"{step} ran: {reason}"));
        }
    }
}

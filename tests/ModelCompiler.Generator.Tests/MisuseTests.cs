using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using ModelCompiler.Compiler;

namespace ModelCompiler.Generator.Tests;

/// <summary>Each way to use the attribute wrongly has one id, stands at the attribute, and says what to do.</summary>
public sealed class MisuseTests
{
    [Theory]
    [InlineData("[CompiledModel(\"stroy\")] public partial class M;", "MC301", "no model is named 'stroy'; the project's models are: 'chat', 'story', 'unpacked'.")]
    [InlineData("[CompiledModel(\"\")] public partial class M;", "MC301", "no model is named ''")]
    [InlineData("[CompiledModel(\"story\")] public class M;", "MC302", "Add the partial modifier")]
    [InlineData("[CompiledModel(\"story\")] public static partial class M;", "MC303", "static")]
    [InlineData("[CompiledModel(\"story\")] public abstract partial class M;", "MC303", "abstract")]
    [InlineData("[CompiledModel(\"story\")] public partial class M<T>;", "MC303", "generic")]
    [InlineData("[CompiledModel(\"story\")] public partial record M;", "MC303", "a record")]
    [InlineData("[CompiledModel(\"story\")] file partial class M;", "MC303", "local to its file")]
    [InlineData("partial class Outer { [CompiledModel(\"story\")] public partial class M; }", "MC303", "nested in 'Outer'")]
    [InlineData("[CompiledModel(\"unpacked\")] public partial class M;", "MC304", "Build the project once")]
    public void IsRefusedAtTheAttribute(string declaration, string id, string says)
    {
        CountingCompiler core = new();
        ModelText[] files = [.. ModelText.Model("story"), .. ModelText.Model("chat"), new("/models/unpacked/config.json", "{}", "config", "unpacked")];
        GeneratorRun run = new(core, files, "using ModelCompiler;\n" + declaration);

        Diagnostic found = Assert.Single(run.Result.Diagnostics);
        Assert.Equal(id, found.Id);
        Assert.Equal(DiagnosticSeverity.Error, found.Severity);
        Assert.Contains(says, found.GetMessage());
        FileLinePositionSpan place = found.Location.GetLineSpan();
        Assert.Equal("File0.cs", place.Path);
        Assert.Equal(1, place.StartLinePosition.Line);
        Assert.Equal(declaration.IndexOf("CompiledModel", StringComparison.Ordinal), place.StartLinePosition.Character);
        Assert.Equal(id == "MC302" ? 1 : 0, core.Calls);
    }

    /// <summary>A class is used where it cannot be compiled: the reason is the only error, whatever it is. C# itself says again that partial is missing.</summary>
    [Theory]
    [InlineData("[CompiledModel(\"stroy\")] public sealed partial class M;")]
    [InlineData("[CompiledModel(\"stroy\", Training = true)] partial class M; class Trains { object With() => M.Trainable.Create(); object From() => M.LoadForTraining(); }")]
    [InlineData("[CompiledModel(\"unpacked\")] internal unsafe partial class M;")]
    [InlineData("[CompiledModel(\"story\")] public partial class M;")]
    [InlineData("[CompiledModel(\"story\")] public class M;", "CS0260")]
    public void NothingFollowsFromAnError(string declaration, params string[] repeated)
    {
        ModelText[] files = [.. ModelText.Model("story", "{\n  \"broken\": 1\n}"), new("/models/unpacked/config.json", "{}", "config", "unpacked")];
        GeneratorRun run = new(new CountingCompiler(), files, "using ModelCompiler;\n" + declaration, """
            class Program { string Text() { using M model = M.Load(); using var session = model.CreateSession(); return model.Description.Name; } }
            """);
        Assert.NotEmpty(run.Result.Diagnostics);
        Assert.Equal(repeated, run.Output.GetDiagnostics().Where(found => found.Severity >= DiagnosticSeverity.Warning).Select(found => found.Id));
    }

    /// <summary>Told once, at the first class; and all that there is to tell.</summary>
    [Theory]
    [InlineData(LanguageVersion.CSharp8, "8.0")]
    [InlineData(LanguageVersion.CSharp11, "11.0")]
    public void ALanguageThatIsTooOldIsOneError(LanguageVersion language, string found)
    {
        CountingCompiler core = new();
        GeneratorRun run = new(core, ModelText.Model("story"), language, """
            namespace App { [ModelCompiler.CompiledModel("story")] public partial class M { } }
            """, """
            [ModelCompiler.CompiledModel("story")] partial class N { }
            class Program { string Text() { using App.M model = App.M.Load(); N.Load(); return model.Description.Name; } }
            """);
        Diagnostic only = Assert.Single(run.Diagnostics.Distinct());
        Assert.Equal("MC308", only.Id);
        Assert.StartsWith($"the version of C#: found {found}, expected 12.0 or later, ", only.GetMessage());
        Assert.Equal("File0.cs", only.Location.GetLineSpan().Path);
        Assert.Equal(0, core.Calls);
    }

    [Fact]
    public void WhatTheCoreFindsPointsIntoTheModelsFile()
    {
        GeneratorRun run = new(new CountingCompiler(), ModelText.Model("story", "{\n  \"broken\": 1\n}"), """
            [ModelCompiler.CompiledModel("story")] public partial class M;
            """);
        Diagnostic found = Assert.Single(run.Result.Diagnostics);
        FileLinePositionSpan place = found.Location.GetLineSpan();
        Assert.Equal("/models/story/config.json(2,3)", $"{place.Path}({place.StartLinePosition.Line + 1},{place.StartLinePosition.Character + 1})");
        Assert.Equal("found 'broken'", found.GetMessage());
        Assert.Equal("\"broken\": 1", "{\n  \"broken\": 1\n}".Substring(found.Location.SourceSpan.Start, found.Location.SourceSpan.Length));
        Assert.Equal("M.M.Placeholder.g.cs", Assert.Single(run.Result.GeneratedSources).HintName);
    }

    [Theory]
    [InlineData("internal sealed partial class M;", "", "M", "internal sealed")]
    [InlineData("partial class @class;", "", "@class", "")]
    [InlineData("public sealed unsafe partial class M;", "", "M", "public sealed")] // every emitted part is unsafe already
    public void TheDeclarationIsTakenAsWritten(string declaration, string space, string name, string modifiers)
    {
        CountingCompiler core = new();
        GeneratorRun run = new(core, ModelText.Model("story"), "[ModelCompiler.CompiledModel(\"story\")] " + declaration);
        Assert.Empty(run.Diagnostics);
        Assert.Equal(new ModelTarget(space, name, modifiers, "story"), core.Last!.Target);
    }

    [Theory]
    [InlineData("", ModelFeatures.None)]
    [InlineData(", Trace = false", ModelFeatures.None)]
    [InlineData(", Trace = true", ModelFeatures.Trace)]
    public void PropertiesOfTheAttributeAreFeatures(string arguments, ModelFeatures expected)
    {
        CountingCompiler core = new();
        GeneratorRun run = new(core, ModelText.Model("story"), $"[ModelCompiler.CompiledModel(\"story\"{arguments})] partial class M;");
        Assert.Empty(run.Diagnostics);
        Assert.Equal(expected, core.Last!.Target.Features);
    }

    [Fact]
    public void EveryFeatureIsAPropertyOfTheAttribute()
        => Assert.All(Enum.GetNames<ModelFeatures>().Except([nameof(ModelFeatures.None)]), name => Assert.Equal(typeof(bool), typeof(CompiledModelAttribute).GetProperty(name)?.PropertyType));

    [Fact]
    public void KeywordsInNamespacesStayEscaped()
    {
        CountingCompiler core = new();
        GeneratorRun run = new(core, ModelText.Model("story"), "namespace A.@event.B { [ModelCompiler.CompiledModel(\"story\")] partial class M; }");
        Assert.Empty(run.Diagnostics);
        Assert.Equal("A.@event.B", core.Last!.Target.Namespace);
        Assert.Equal("A.event.B.M.Model.g.cs", run.Result.GeneratedSources.Single().HintName);
    }

    /// <summary>The core names a file by its classes, as they are written.</summary>
    [Fact]
    public void AFileOfAClassNamedByAKeywordHasANameThatRoslynTakes()
    {
        GeneratorRun run = new(new CountingCompiler(), ModelText.Model("story", "{\n  \"broken\": 1\n}"), "[ModelCompiler.CompiledModel(\"story\")] partial class @event;");
        Assert.Equal("event.event.Placeholder.g.cs", Assert.Single(run.Result.GeneratedSources).HintName);
    }
}

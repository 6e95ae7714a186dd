using System.Reflection;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Tests;

namespace ModelCompiler.Generator.Tests;

/// <summary>The generator's rules, and those that the build's targets and modelc tell by id, have pages like all others.</summary>
public sealed class BuildRulesTests
{
    [Fact]
    public void ARuleHasAPage()
    {
        foreach (PropertyInfo property in typeof(BuildRules).GetProperties(BindingFlags.Static | BindingFlags.Public))
        {
            DiagnosticRule rule = (DiagnosticRule)property.GetValue(null)!;
            Assert.Equal($"# {rule.Id}: {rule.Title}", File.ReadLines(Page(rule.Id)).First());
        }
    }

    [Theory]
    [InlineData("generator/ModelCompiler.Generator/build")]
    [InlineData("generator/ModelCompiler.Tool")]
    public void AnIdInTheSourcesHasAPage(string folder)
    {
        IEnumerable<string> ids = Directory.EnumerateFiles(Path.Combine(SharedData.RepositoryRoot, folder), "*.*", SearchOption.AllDirectories)
            .Where(path => Path.GetExtension(path) is ".cs" or ".targets" && !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}"))
            .SelectMany(path => System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(path), "\\bMC[0-9]{3}\\b").Select(match => match.Value))
            .Distinct();
        Assert.All(ids, id => Assert.True(File.Exists(Page(id)), $"docs/diagnostics/{id}.md is missing."));
    }

    private static string Page(string id) => Path.Combine(SharedData.RepositoryRoot, "docs", "diagnostics", id + ".md");
}

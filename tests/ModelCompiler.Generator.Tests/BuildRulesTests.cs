using System.Reflection;
using System.Text.RegularExpressions;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Tests;

namespace ModelCompiler.Generator.Tests;

/// <summary>The generator's rules, and those that the build's targets and modelc tell by id, have pages like all others.</summary>
public sealed partial class BuildRulesTests
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

    /// <summary>Those that have no rule of their own besides: what modelc, the build's targets and those of this repository tell.</summary>
    [Fact]
    public void TheIdsInTheSourcesAreThoseThatHaveAPage()
    {
        string[] folders = ["generator", "runtime"];
        IEnumerable<string> sources = Directory.EnumerateFiles(SharedData.RepositoryRoot, "*.targets")
            .Concat(folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(SharedData.RepositoryRoot, folder), "*.*", SearchOption.AllDirectories)))
            .Where(path => Path.GetExtension(path) is ".cs" or ".targets" && !Built().IsMatch(path));
        IEnumerable<string> ids = sources.SelectMany(path => Id().Matches(File.ReadAllText(path)).Select(match => match.Value)).Distinct();
        IEnumerable<string> pages = Directory.EnumerateFiles(Path.GetDirectoryName(Page(""))!).Select(path => Path.GetFileNameWithoutExtension(path));
        Assert.Equal(ids.Order(StringComparer.Ordinal), pages.Order(StringComparer.Ordinal));
        Assert.All(pages, id =>
        {
            string[] lines = File.ReadAllLines(Page(id));
            Assert.StartsWith($"# {id}: ", lines[0], StringComparison.Ordinal);
            int example = Array.IndexOf(lines, "## Example");
            Assert.True(example > 0 && Array.IndexOf(lines, "## What to do") > example, $"docs/diagnostics/{id}.md has no example, or does not say what to do.");
            Assert.Contains($"{id}: ", string.Join('\n', lines[example..]), StringComparison.Ordinal);
        });
    }

    private static string Page(string id) => Path.Combine(SharedData.RepositoryRoot, "docs", "diagnostics", id + ".md");

    [GeneratedRegex(@"\bMC[0-9]{3}\b")]
    private static partial Regex Id();

    [GeneratedRegex(@"[/\\](obj|bin)[/\\]")]
    private static partial Regex Built();
}

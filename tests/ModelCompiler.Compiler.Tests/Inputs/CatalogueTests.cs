using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Tests;

namespace ModelCompiler.Compiler.Tests.Inputs;

public class CatalogueTests
{
    public static TheoryData<string, string> Rules => [.. Catalogue.All.Select(rule => (rule.Id, rule.Title))];

    [Fact]
    public void AnIdHasOneMeaning()
    {
        Assert.Equal(Catalogue.All.Count, Catalogue.All.Select(rule => rule.Id).Distinct().Count());
        Assert.Equal(Catalogue.All.Count, typeof(Catalogue).GetProperties().Count(property => property.PropertyType == typeof(DiagnosticRule)));
        Assert.All(Catalogue.All, rule => Assert.Matches("^MC[0-2][0-9]{2}$", rule.Id));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void ARuleHasAPage(string id, string title)
    {
        string page = Path.Combine(SharedData.RepositoryRoot, "docs", "diagnostics", id + ".md");

        Assert.True(File.Exists(page), $"docs/diagnostics/{id}.md is missing.");
        string[] lines = File.ReadAllLines(page);
        Assert.Equal($"# {id}: {title}", lines[0]);
        Assert.Contains("## Example", lines);
        Assert.Contains("## What to do", lines);
    }

    [Theory]
    [InlineData("plain", "'plain'")]
    [InlineData("caf\u00E9 \u4E2D", "'caf\u00E9 \u4E2D'")]
    [InlineData("a\r\n\u0085\u2028\u2029b", "'a\\u000D\\u000A\\u0085\\u2028\\u2029b'")]
    [InlineData("\u202Eabc", "'\\u202Eabc'")]
    public void AQuoteIsFitForOneLine(string text, string quoted) => Assert.Equal(quoted, DiagnosticReporting.Quote(text));

    [Fact]
    public void AnUnreadableFileIsNamed()
    {
        List<ModelDiagnostic> diagnostics = [];

        diagnostics.ReportUnreadable("models/story", "config.json", "no such file");

        Found.Single(diagnostics, "MC021", 0, 0, "config.json: found no such file");
        Assert.True(diagnostics.HasErrors());
    }

    [Fact]
    public void ALongQuoteIsCut() => Assert.Equal(83, DiagnosticReporting.Quote(new string('a', 100_000)).Length);
}

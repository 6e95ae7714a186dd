using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ModelCompiler.EndToEnd.Tests.CommandLine;
using ModelCompiler.Tests;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>samples/LookInside as a user runs it: what it says, the page that it writes, and texts that would like to be more than text.</summary>
public sealed class LookInsideTests : IDisposable
{
    private static readonly string program = Path.Combine(SharedData.RepositoryRoot, "samples", "LookInside", "bin", ChildProcess.Configuration, "net10.0", "LookInside.dll");

    private readonly CommandLine.TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ShowsWhatHappensInBothSentences()
    {
        string text = Run("我喜欢黄金首饰", "这是一个变形金刚").Expect(0).Output;
        foreach (string part in (string[])["Text 1: 我喜欢黄金首饰", "Text 2: 这是一个变形金刚", "Tokens and their vectors", "Who attends to whom", "layer 0, head 0", "if the model ended behind that many layers", "What comes next", "金 in two places"])
        {
            Assert.Contains(part, text);
        }

        Assert.StartsWith("At the end: 金 in two places, ", text.Split('\n')[1]);
        Assert.DoesNotContain('\u001b', text); // nobody watches: no colours
        double[] cosines = [.. Regex.Matches(text[text.LastIndexOf("金 in two places", StringComparison.Ordinal)..], "^  (?:its own|as layer|behind layer)[^0-9]*(?:[0-9]+ )?(?:reads it)? +([01]\\.[0-9]{3})", RegexOptions.Multiline)
            .Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
        Assert.True(cosines.Length >= 3, text);
        Assert.Equal(1, cosines[0]);
        Assert.True(cosines[^1] < 0.99, $"{cosines[^1]}");

        XDocument page = Page();
        Assert.Equal(["text-1", "text-2", "apart"], page.Descendants("section").Select(section => section.Attribute("id")!.Value));
        Assert.Equal(["我喜欢黄金首饰", "这是一个变形金刚", "One token, two places"], page.Descendants("h2").Select(heading => heading.Value));
        Assert.Contains("金", page.Descendants("h3").Select(heading => heading.Value));
        Assert.Equal(2, page.Descendants("article").Count(article => article.Attribute("class")!.Value == "said"));
    }

    /// <summary>Nothing is loaded from anywhere, and everything can be reached by keyboard.</summary>
    [Fact]
    public void ThePageNeedsNothingElse()
    {
        Run("金").Expect(0);
        XDocument page = Page();
        Assert.Empty(page.Descendants().Attributes("src"));
        Assert.All(page.Descendants().Attributes("href"), link => Assert.StartsWith("#", link.Value));
        Assert.All(page.Descendants("a"), link => Assert.Contains(page.Descendants("section"), section => "#" + section.Attribute("id")!.Value == link.Attribute("href")!.Value));
        Assert.DoesNotMatch("url\\(|@import|https?:|fetch\\(|import ", File.ReadAllText(folder["page.html"]));
        Assert.All(page.Descendants("div").Where(division => division.Attribute("class")?.Value == "scroller"), scroller => Assert.Equal("0", scroller.Attribute("tabindex")!.Value));
        Assert.All(page.Descendants("canvas").Where(canvas => canvas.Parent!.Name != "button"), canvas => Assert.NotNull(canvas.Attribute("aria-label")));
    }

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("</title></style>]]><img src=x onerror=alert(1)>\"'&amp;")]
    [InlineData("[red]bold[/] \u001b[31m\u0007\u202e\u2028 \ud83d\ude80")]
    public void AHostileTextIsText(string hostile)
    {
        Finished finished = Run(hostile, hostile).Expect(0);
        Assert.DoesNotContain(finished.Output, c => char.IsControl(c) && c is not '\n' and not '\r');
        XDocument page = Page();
        Assert.Equal(2, page.Descendants("script").Count());
        Assert.Single(page.Descendants("style"));
        Assert.Empty(page.Descendants("img"));
        Assert.DoesNotContain(page.Descendants().Attributes(), attribute => attribute.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        if (!hostile.Contains('\u001b'))
        {
            Assert.Equal([hostile, hostile], page.Descendants("h2").Select(heading => heading.Value).Take(2));
        }
    }

    [Fact]
    public void AnyFolderWillDo()
    {
        string model = Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel", "models", "hello");
        string text = Run("金匠", "--model", model, "--weights", "q8").Expect(0).Output;
        Assert.Contains("weights q8", text);
        Assert.Contains("What comes next", text);
    }

    [Theory]
    [InlineData("--model", "no/such/folder")]
    [InlineData("--html", "no/such/folder/page.html")]
    [InlineData("--html", ".")]
    public void WhatCannotBeDoneIsSaidAndLeavesNoPage(params string[] arguments)
    {
        Finished finished = Run(["text", .. arguments]).Expect(1);
        Assert.Matches(@"^\S+: error MC\d{3}: .*found .*, expected ", finished.Error);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Root));
    }

    [Fact]
    public void ATextLongerThanTheContextIsRefused()
    {
        string error = Run(string.Concat(Enumerable.Repeat("金", 5000))).Expect(1).Error;
        Assert.Matches(@"found 500\d tokens, expected at most 256, the model's context", error);
        Assert.False(File.Exists(folder["page.html"]));
    }

    [Fact]
    public void APageOfMegabytesIsWrittenOnlyWhereItIsAskedFor()
    {
        string text = string.Concat(Enumerable.Repeat("金", 240));
        Assert.Matches(@"found 24\d tokens, of which there are 1\.\d million numbers to see, expected at most 1\.0 million\. Give shorter texts, or --large", Run(text).Expect(1).Error);
        Assert.False(File.Exists(folder["page.html"]));
        Run(text, "--large").Expect(0);
        Assert.InRange(new FileInfo(folder["page.html"]).Length, 2_000_000, 10_000_000);
    }

    [Fact]
    public void AnOptionThatIsNoneIsNoText()
    {
        Assert.StartsWith("LookInside: error MC320: found '--modle', which is no option of 'LookInside', expected perhaps --model.", Run("金", "--modle", "x").Expect(2).Error);
        Assert.Contains("Text 1: --modle", ChildProcess.Dotnet(folder.Root, program, "--html", "page.html", "--", "--modle").Expect(0).Output);
    }

    private Finished Run(params string[] arguments)
        => ChildProcess.Dotnet(folder.Root, [program, .. arguments.Contains("--html") ? arguments : [.. arguments, "--html", "page.html"]]);

    /// <summary>The page as XML, which it must also be.</summary>
    private XDocument Page() => XDocument.Parse(File.ReadAllText(folder["page.html"]));
}

using System.Text.RegularExpressions;
using ModelCompiler.Tests;
using NativeProcess = ModelCompiler.EndToEnd.Tests.Native.ChildProcess;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>A project that uses the source tree in place of a package.</summary>
public sealed class CloneTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void GettingStartedWorksAsWritten()
    {
        string page = File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "docs", "getting-started.md")).ReplaceLineEndings("\n");
        folder.Write(Path.Combine("Story", "Story.csproj"), Block(page, "xml").Replace("../ModelCompiler/", SharedData.RepositoryRoot + "/"));
        folder.Write(Path.Combine("Story", "Program.cs"), Block(page, "csharp"));
        CopyModels();

        ChildProcess.Dotnet(
            folder["Story"], "build", "--nologo", "-c", "Release", "-warnaserror",
            "-p:ModelCompilerPrebuilt=true", $"-p:ModelCompilerConfiguration={ChildProcess.Configuration}").Expect(0);
        string text = ChildProcess.Dotnet(folder["Story"], Path.Combine("bin", "Release", "net10.0", "Story.dll")).Expect(0).Output;
        Assert.NotEmpty(text);
        Assert.Contains($"It writes `{text}`", page);
    }

    [Fact]
    public void OnlyTheProgramAndTheRuntimeArePublished()
    {
        string sample = Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel");
        ChildProcess.Dotnet(sample, "publish", "--nologo", "--no-build", "-c", ChildProcess.Configuration, "-o", folder["out"]).Expect(0);
        foreach (string output in new[] { folder["out"], Path.Combine(sample, "bin", ChildProcess.Configuration, "net10.0") })
        {
            string[] files = [.. Directory.EnumerateFiles(output).Select(path => Path.GetFileName(path))];
            Assert.Contains("HelloModel.dll", files);
            Assert.All(files, file => Assert.Matches("^(HelloModel|ModelCompiler\\.Runtime)(\\.|$)", file));
        }
    }

    /// <summary>MSBuild and NuGet would lose projects on the way, and what is left of packages would look like success.</summary>
    [Theory]
    [InlineData("ModelCompiler.sln", "")]
    [InlineData("samples/HelloModel/HelloModel.csproj", "/samples/HelloModel")]
    public void ThroughASymbolicLinkNothingIsPacked(string packed, string within)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A process's folder keeps the name of a link there.");
        string real = folder["real"], link = folder["link"];
        _ = new SourceClone(real);
        Directory.CreateSymbolicLink(link, real);
        Finished pack = ChildProcess.Dotnet(folder.Root, "pack", Path.Combine(link, packed), "--nologo", "-c", "Release", "-o", folder["out"]).Expect(1);
        string error = Assert.Single(pack.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($"error MC318: '{link}{within}' is reached through a symbolic link", error);
        string resolved = NativeProcess.Run("sh", ["-c", "cd \"$1\" && pwd -P", "sh", real]).Trim(); // the temporary folder may itself lie behind a link
        Assert.Contains($"Name the real folder instead: '{resolved}{within}'.", error);
        Assert.False(Directory.Exists(folder["out"]));
    }

    /// <summary>Once, at the project that imports it.</summary>
    [Fact]
    public void AnImportThroughASymbolicLinkIsRefused()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "A process's folder keeps the name of a link there.");
        Directory.CreateSymbolicLink(folder["link"], SharedData.RepositoryRoot);
        string page = File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "docs", "getting-started.md")).ReplaceLineEndings("\n");
        folder.Write(Path.Combine("Story", "Story.csproj"), Block(page, "xml").Replace("../ModelCompiler/", "../link/"));
        string output = ChildProcess.Dotnet(folder["Story"], "build", "--nologo", "-v:q").Expect(1).Output;
        string error = Assert.Single(output.Split('\n').Where(line => line.Contains("error", StringComparison.Ordinal)).Distinct());
        Assert.Contains($"Story.csproj : error MC318: '{folder["link"]}' is reached through a symbolic link", error);
    }

    /// <summary>The property of a whole <c>dotnet publish</c> reaches every project that it builds; these cannot be published so.</summary>
    [Theory]
    [InlineData("Compiler")]
    [InlineData("Generator")]
    [InlineData("Tool")]
    public void WhatOnlyTheBuildRunsIsNotPublishedNatively(string project)
    {
        string path = Path.Combine(SharedData.RepositoryRoot, "generator", $"ModelCompiler.{project}", $"ModelCompiler.{project}.csproj");
        Finished evaluated = ChildProcess.Dotnet(folder.Root, "msbuild", "-nologo", path, "-p:PublishAot=true", "-getProperty:PublishAot").Expect(0);
        Assert.Equal("false", evaluated.Output.Trim());
    }

    private static string Block(string page, string language) => Assert.Single(Regex.Matches(page, $"```{language}\n(.*?)```", RegexOptions.Singleline)).Groups[1].Value;

    private void CopyModels()
    {
        string source = Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel", "models", "hello");
        string target = folder[Path.Combine("Story", "models", "hello")];
        Directory.CreateDirectory(target);
        foreach (string file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }
    }
}

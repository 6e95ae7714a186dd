using System.Diagnostics;
using System.IO.Compression;
using ModelCompiler.EndToEnd.Tests.CommandLine;

namespace ModelCompiler.EndToEnd.Tests.Packages;

/// <summary>What a user does who has the packages and not this repository.</summary>
public sealed class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>
{
    private const string Prompt = "The goldsmith";

    [Fact]
    public void AConsoleProgramNeedsNoOtherPackages()
    {
        string project = feed.NewProject("console", others: false);
        ChildProcess.Dotnet(project, "restore", "--nologo").Expect(0);
        string[] restored = feed.Restored();
        string output = ChildProcess.Dotnet(project, "run", "--no-restore", "-c", "Release").Expect(0).Output;
        Assert.StartsWith(Prompt + " ", output);
        Assert.Equal(restored, feed.Restored()); // the folder of packages may be read-only

        Assert.SkipUnless(Native.ChildProcess.Exists("clang"), "clang is not installed.");
        Finished published = ChildProcess.Dotnet(project, "publish", "--nologo", "-c", "Release", "-p:PublishAot=true", "-o", "out", "-warnaserror").Expect(0);
        Assert.DoesNotContain("warning", published.Output, StringComparison.OrdinalIgnoreCase);
        Assert.All(Directory.GetFiles(Path.Combine(project, "out")), file => Assert.Matches(@"^Tale(\.exe|\.dbg|\.pdb)?$", Path.GetFileName(file)));
        Assert.StartsWith(Prompt + " ", Native.ChildProcess.Run(Path.Combine(project, "out", "Tale"), []));
    }

    [Fact]
    public void AChatAnswers()
    {
        string project = feed.NewProject("chat", others: true);
        ChildProcess.Dotnet(project, "build", "--nologo", "-c", "Release", "-warnaserror").Expect(0);
        ProcessStartInfo start = new("dotnet", Path.Combine("bin", "Release", "net10.0", "Tale.dll"))
        {
            WorkingDirectory = project, RedirectStandardInput = true, RedirectStandardOutput = true, StandardOutputEncoding = System.Text.Encoding.UTF8,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.WriteLine(Prompt);
        process.StandardInput.WriteLine();
        process.StandardInput.Close();
        string answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Matches(@"^> \s*\S[\s\S]+\n> $", answer.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void AWebServiceBuildsWithoutAWarning()
        => ChildProcess.Dotnet(feed.NewProject("webapi", others: true), "build", "--nologo", "-c", "Release", "-warnaserror").Expect(0);

    [Fact]
    public void TheToolRuns()
    {
        using Process process = Process.Start(new ProcessStartInfo(feed.InstallTool(), "--version") { RedirectStandardOutput = true })!;
        Assert.NotEmpty(process.StandardOutput.ReadToEnd().Trim());
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    [Theory]
    [InlineData("ModelCompiler")]
    [InlineData("ModelCompiler.Runtime", "lib/net10.0/ModelCompiler.Runtime.pdb")]
    [InlineData("ModelCompiler.Onnx", "lib/net10.0/ModelCompiler.Onnx.pdb")]
    [InlineData("ModelCompiler.Extensions.AI", "lib/net10.0/ModelCompiler.Extensions.AI.pdb")]
    [InlineData("ModelCompiler.Tool", "tools/net10.0/any/modelc.pdb")]
    [InlineData("ModelCompiler.Templates")]
    public void PackagesAreComplete(string id, string? symbols = null)
    {
        if (symbols is not null)
        {
            using ZipArchive apart = ZipFile.OpenRead(Path.Combine(feed.Packages, $"{id}.{feed.Version}.snupkg"));
            Assert.NotNull(apart.GetEntry(symbols));
        }

        using ZipArchive package = ZipFile.OpenRead(Path.Combine(feed.Packages, $"{id}.{feed.Version}.nupkg"));
        string[] files = [.. package.Entries.Select(entry => entry.FullName)];
        Assert.Contains("README.md", files);
        Assert.Contains("icon.png", files);
        Assert.DoesNotContain(files, file => file.StartsWith("lib/", StringComparison.Ordinal) && file.EndsWith(".pdb", StringComparison.Ordinal)); // symbols have packages of their own
        using StreamReader reader = new(package.GetEntry($"{id}.nuspec")!.Open());
        string nuspec = reader.ReadToEnd();
        Assert.Contains("<license type=\"expression\">MIT</license>", nuspec);
        Assert.DoesNotContain(files, IsNative);
    }

    private static bool IsNative(string file)
        => file.StartsWith("runtimes/", StringComparison.Ordinal) || Path.GetExtension(file) is ".so" or ".dylib" or ".lib" || Path.GetFileName(file).Equals("onnxruntime.dll", StringComparison.OrdinalIgnoreCase);
}

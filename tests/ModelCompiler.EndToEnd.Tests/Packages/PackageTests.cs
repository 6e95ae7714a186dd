using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using ModelCompiler.EndToEnd.Tests.CommandLine;

namespace ModelCompiler.EndToEnd.Tests.Packages;

/// <summary>What a user does who has the packages and not this repository.</summary>
public sealed class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>
{
    private const string Prompt = "The goldsmith";

    /// <summary>Restored once, it is built from nothing, run and published without a source of packages, and only reads their folder.</summary>
    [Fact]
    public void AConsoleProgramNeedsNoOtherPackagesAndNoNetwork()
    {
        string project = feed.NewProject("console", others: false);
        ChildProcess.Dotnet(project, "restore", "--nologo").Expect(0);
        PackageFeed.Cut(project);
        Directory.Delete(Path.Combine(project, "obj"), recursive: true);
        string[] restored = PackageFeed.Restored(project);
        Assert.NotEmpty(restored);
        Assert.StartsWith(Prompt + " ", ChildProcess.Dotnet(project, "run", "-c", "Release").Expect(0).Output);
        string published = Publish(project);
        Assert.StartsWith(Prompt + " ", Native.ChildProcess.Run(published, []));
        Assert.Contains("expected at most 256, the model's context.", ChildProcess.Program(published, project, string.Concat(Enumerable.Repeat("gold ", 400))).Expect(1).Error);

        string file = Path.Combine(project, $"{PackageFeed.ProjectName}.csproj"); // what a mistake is told by is in the package, too
        File.WriteAllText(file, Regex.Replace(File.ReadAllText(file), "Weights=\".*?\"", "Weights=\"q3\""));
        Assert.Matches(@"\.csproj\(\d+,\d+\): error MC315: .*: found Weights 'q3', ", ChildProcess.Dotnet(project, "build", "--nologo", "-c", "Release").Expect(1).Output);
        Assert.Equal(restored, PackageFeed.Restored(project));
    }

    [Fact]
    public void AChatAnswersAndBeginsAnewWhereItsConversationIsFull()
    {
        using Process process = Process.Start(new ProcessStartInfo(Publish(feed.NewProject("chat", others: true)))
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, StandardOutputEncoding = System.Text.Encoding.UTF8,
        })!;
        process.StandardInput.WriteLine(Prompt);
        process.StandardInput.WriteLine(string.Concat(Enumerable.Repeat("gold ", 400)));
        process.StandardInput.WriteLine(Prompt);
        process.StandardInput.WriteLine();
        process.StandardInput.Close();
        string answer = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Matches(@"^> \s*\S[\s\S]+\n> \(The conversation has \d{3} tokens, and the model has room for 256: it begins anew\.\)\n> \s*\S[\s\S]+\n> $", answer.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task AWebServiceStreamsRefusesAndStops()
    {
        using WebService service = await WebService.StartAsync(Publish(feed.NewProject("webapi", others: true)));
        string text = await service.GetAsync(Prompt, HttpStatusCode.OK);
        Assert.NotEmpty(text.Trim());

        using JsonDocument problem = JsonDocument.Parse(await service.GetAsync(string.Concat(Enumerable.Repeat("gold ", 400)), HttpStatusCode.BadRequest));
        Assert.Equal(400, problem.RootElement.GetProperty("status").GetInt32());
        Assert.Matches(@"^prompt: found \d{3} tokens, expected at most 256, the model's context\.$", problem.RootElement.GetProperty("detail").GetString());

        await service.LeaveAsync(Prompt); // a client that goes away leaves the service to the next one
        Assert.NotEmpty((await service.GetAsync(Prompt, HttpStatusCode.OK)).Trim());
        Assert.Equal(0, service.Interrupt());
    }

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

    /// <summary>The one file that NativeAOT makes of a project, without a warning.</summary>
    private static string Publish(string project)
    {
        if (!Native.ChildProcess.Exists("clang"))
        {
            ChildProcess.Dotnet(project, "build", "--nologo", "-c", "Release", "-warnaserror").Expect(0);
            Assert.Skip("clang is not installed.");
        }

        Finished published = ChildProcess.Dotnet(project, "publish", "--nologo", "-c", "Release", "-p:PublishAot=true", "-o", "out", "-warnaserror").Expect(0);
        Assert.DoesNotContain("warning", published.Output, StringComparison.OrdinalIgnoreCase);
        string program = PackageFeed.ProjectName + (OperatingSystem.IsWindows() ? ".exe" : "");
        Assert.Equal([program], Directory.EnumerateFileSystemEntries(Path.Combine(project, "out")).Select(path => Path.GetFileName(path)));
        return Path.Combine(project, "out", program);
    }

    private static bool IsNative(string file)
        => file.StartsWith("runtimes/", StringComparison.Ordinal) || Path.GetExtension(file) is ".so" or ".dylib" or ".lib" || Path.GetFileName(file).Equals("onnxruntime.dll", StringComparison.OrdinalIgnoreCase);
}

using ModelCompiler.EndToEnd.Tests.CommandLine;
using ModelCompiler.Tests;

namespace ModelCompiler.EndToEnd.Tests.Packages;

/// <summary>
/// The packages of this build in a folder, and projects made of them in folders outside the repository. Their version is of this run alone, and what is restored goes
/// into a folder of its own, so that no other build sees them.
/// </summary>
public sealed class PackageFeed : IDisposable
{
    private static readonly string[] Projects =
    [
        "runtime/ModelCompiler.Runtime", "runtime/ModelCompiler.Onnx", "runtime/ModelCompiler.Extensions.AI", "generator/ModelCompiler", "generator/ModelCompiler.Tool", "generator/ModelCompiler.Templates",
    ];

    /// <summary>Of every project: no identifier of C#.</summary>
    internal const string ProjectName = "My.Tale";

    private readonly TemporaryFolder folder = new();
    private int projects;

    public PackageFeed()
    {
        Version = $"0.0.1-test.{Guid.NewGuid():n}";
        foreach (string project in Projects)
        {
            ChildProcess.Dotnet(
                SharedData.RepositoryRoot, "pack", project, "--nologo", "--no-build", "-c", ChildProcess.Configuration, "-o", Packages, $"-p:Version={Version}", "-warnaserror").Expect(0);
        }

        ChildProcess.Dotnet(folder.Root, "new", "install", Path.Combine(Packages, $"ModelCompiler.Templates.{Version}.nupkg"), "--debug:custom-hive", Hive).Expect(0);
    }

    /// <summary>Of all packages.</summary>
    public string Version { get; }

    /// <summary>Where the packages lie.</summary>
    public string Packages => folder["feed"];

    private string Hive => folder["hive"];

    /// <summary>A project <c>My.Tale</c> from the template, under a nuget.config and beside a folder of packages of its own.</summary>
    /// <param name="kind">The template's choice.</param>
    /// <param name="others">Whether packages may come from elsewhere too; those of this project come from the feed in any case.</param>
    internal string NewProject(string kind, bool others)
    {
        string project = Path.Combine(folder[$"{kind} 故事 {Interlocked.Increment(ref projects)}"], "project");
        ChildProcess.Dotnet(folder.Root, "new", "modelcompiler", "-o", project, "-n", ProjectName, "--kind", kind, "--no-restore", "--debug:custom-hive", Hive).Expect(0);
        Configure(project, $"""{(others ? "" : "<clear />")}<add key="feed" value="{Packages}" />""");
        return project;
    }

    /// <summary>From now on there is no source of packages, and nothing in their folder may be written, which root may all the same: compare <see cref="Restored"/>.</summary>
    internal static void Cut(string project)
    {
        Configure(project, "<clear />");
        if (!OperatingSystem.IsWindows())
        {
            DirectoryInfo packages = new(PackagesOf(project));
            foreach (FileSystemInfo entry in packages.EnumerateFileSystemInfos("*", SearchOption.AllDirectories).Prepend(packages))
            {
                entry.UnixFileMode &= ~UnixFileMode.UserWrite;
            }
        }
    }

    private static string PackagesOf(string project) => Path.Combine(Path.GetDirectoryName(project)!, "packages");

    private static void Configure(string project, string sources)
    {
        string global = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        File.WriteAllText(Path.Combine(Path.GetDirectoryName(project)!, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{PackagesOf(project)}" /></config>
              <fallbackPackageFolders><add key="restored before" value="{global}" /></fallbackPackageFolders>
              <packageSources>{sources}</packageSources>
            </configuration>
            """);
    }

    /// <summary>Name, length and time of everything that was restored for a project from this feed.</summary>
    internal static string[] Restored(string project) =>
    [
        .. new DirectoryInfo(PackagesOf(project)).EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
            .Select(entry => $"{entry.FullName} {(entry as FileInfo)?.Length} {entry.LastWriteTimeUtc:O}").Order(StringComparer.Ordinal),
    ];

    /// <summary>Installs modelc as a tool; gives the program's path.</summary>
    internal string InstallTool()
    {
        ChildProcess.Dotnet(folder.Root, "tool", "install", "ModelCompiler.Tool", "--tool-path", folder["tools"], "--add-source", Packages, "--version", Version).Expect(0);
        return Path.Combine(folder["tools"], OperatingSystem.IsWindows() ? "modelc.exe" : "modelc");
    }

    public void Dispose()
    {
        if (!OperatingSystem.IsWindows())
        {
            foreach (DirectoryInfo entry in new DirectoryInfo(folder.Root).EnumerateDirectories("*", SearchOption.AllDirectories))
            {
                entry.UnixFileMode |= UnixFileMode.UserWrite; // what is in a folder that is only read cannot be removed
            }
        }

        folder.Dispose();
    }
}

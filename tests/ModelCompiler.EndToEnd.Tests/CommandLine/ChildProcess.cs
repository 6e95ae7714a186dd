using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using ModelCompiler.Tests;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>What a program left behind.</summary>
internal sealed record Finished(int ExitCode, string Output, string Error)
{
    /// <summary>Fails the test with everything that the program said, unless it ended so.</summary>
    public Finished Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, expected {exitCode}\n{Output}\n{Error}");
        Assert.DoesNotContain("   at ", Error); // a stack trace
        return this;
    }
}

/// <summary>Programs run as a user runs them: as processes.</summary>
internal static partial class ChildProcess
{
    private const int InterruptSignal = 2;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>Tests of one run share compiled models; a fresh run begins without.</summary>
    public static string CacheFolder { get; } = MakeCacheFolder();

    /// <summary>The tool that lies beside this test.</summary>
    public static string ToolPath { get; } = Path.Combine(AppContext.BaseDirectory, "modelc.dll");

    /// <summary>Debug or Release, as this test was built.</summary>
    public static string Configuration { get; } = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}") ? "Release" : "Debug";

    /// <summary>The tool where it was built, with nothing beside it but what it needs.</summary>
    public static string BuiltTool { get; } = Path.Combine(SharedData.RepositoryRoot, "generator", "ModelCompiler.Tool", "bin", Configuration, "net10.0", "modelc.dll");

    /// <summary>Runs modelc.</summary>
    public static Finished Modelc(params string[] arguments) => Run(SharedData.RepositoryRoot, [], [ToolPath, .. arguments]);

    /// <summary>Runs modelc with other environment variables.</summary>
    public static Finished ModelcWith((string Name, string Value) variable, params string[] arguments)
        => Run(SharedData.RepositoryRoot, [variable], [ToolPath, .. arguments]);

    /// <summary>Runs dotnet in a folder.</summary>
    public static Finished Dotnet(string folder, params string[] arguments) => Run(folder, [], arguments);

    /// <summary>Runs dotnet in a folder with another environment variable.</summary>
    public static Finished DotnetWith((string Name, string Value) variable, string folder, params string[] arguments) => Run(folder, [variable], arguments);

    /// <summary>Runs another program in a folder.</summary>
    public static Finished Program(string program, string folder, params string[] arguments) => Run(folder, [], arguments, program);

    /// <summary>Starts modelc and leaves it running.</summary>
    public static Process StartModelc(params string[] arguments)
        => Process.Start(Describe(SharedData.RepositoryRoot, [], [ToolPath, .. arguments]))!;

    /// <summary>Ctrl+C, for one process; not on Windows.</summary>
    public static void Interrupt(Process process) => _ = Kill(process.Id, InterruptSignal);

    private static string MakeCacheFolder()
    {
        string path = Directory.CreateTempSubdirectory("modelc-tests-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(path, recursive: true);
        return path;
    }

    private static Finished Run(string folder, (string Name, string Value)[] variables, string[] arguments, string program = "dotnet")
    {
        using Process process = Process.Start(Describe(folder, variables, arguments, program))!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Longest))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)}");
        }

        return new(process.ExitCode, output.Result, error.Result);
    }

    private static ProcessStartInfo Describe(string folder, (string Name, string Value)[] variables, string[] arguments, string program = "dotnet")
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        start.Environment["MODELCOMPILER_CACHE"] = CacheFolder;
        start.Environment["DOTNET_NOLOGO"] = "1";
        // A build that this test runs in would otherwise tell the inner build about itself.
        start.Environment.Remove("MSBuildSDKsPath");
        start.Environment.Remove("MSBUILD_EXE_PATH");
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}

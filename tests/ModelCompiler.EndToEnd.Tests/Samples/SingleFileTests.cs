using System.Diagnostics;
using System.Text.RegularExpressions;
using ModelCompiler.EndToEnd.Tests.CommandLine;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.EndToEnd.Tests.Native;
using ModelCompiler.Runtime;
using ModelCompiler.Tests;
using BuildProcess = ModelCompiler.EndToEnd.Tests.CommandLine.ChildProcess;
using NativeProcess = ModelCompiler.EndToEnd.Tests.Native.ChildProcess;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>samples/SingleFile, published with NativeAOT for x64 and, across, for Arm: one file, without a warning, and the text that the JIT writes.</summary>
public sealed class SingleFileTests : IDisposable
{
    private const string Prompt = "The goldsmith";
    private const long LargestProgramBytes = 4_000_000;
    private const int Aborted = 128 + 6; // SIGABRT

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void OnX64()
    {
        Assert.SkipUnless(NativeProcess.Exists("clang"), "clang is not installed.");
        Engines.Require(InstructionSet.Avx2);
        string program = Publish("linux-x64");
        Assert.Equal(Expected(), NativeProcess.Run(program, [Prompt]).Trim());
        Assert.Contains("expected at most 256, the model's context.", BuildProcess.Program(program, folder.Root, string.Concat(Enumerable.Repeat("gold ", 400))).Expect(1).Error);

        Assert.SkipUnless(NativeProcess.Exists("qemu-x86_64-static"), "qemu-x86_64-static is not installed.");
        RefusesAProcessorWithoutAvx2(program);

        Assert.SkipUnless(NativeProcess.Exists("gdb"), "gdb is not installed.");
        StopsInALayer(program);
    }

    /// <summary>A debugger finds the line in the emitted file, stops there and shows it.</summary>
    private void StopsInALayer(string program)
    {
        string layer = Directory.GetFiles(folder["build"], "HelloModel.HelloModel.Layer01.g.cs", SearchOption.AllDirectories).Single();
        string symbols = Directory.GetFiles(folder["build"], "SingleFile.dbg", SearchOption.AllDirectories).Single();
        string[] lines = File.ReadAllLines(layer);
        int line = Array.FindIndex(lines, text => text.TrimStart().StartsWith("TKernels.RmsNorm", StringComparison.Ordinal)) + 1;
        string[] breaks = ["-q", "-batch", "-ex", "set pagination off", "-ex", $"symbol-file \"{symbols}\"", "-ex", $"break {Path.GetFileName(layer)}:{line}"];
        Assert.Matches($@"Breakpoint 1 at .*Layer01\.g\.cs(:|, line ){line}\.", NativeProcess.Run("gdb", [.. breaks, program]));

        if (!NativeProcess.Run("sh", ["-c", "gdb -q -batch -ex run /bin/true || true"]).Contains("exited normally", StringComparison.Ordinal))
        {
            // That the line is found is all that can be seen there; a skip would make a failure of .ci/run.
            TestContext.Current.AddWarning("Not stopped at the breakpoint: this system lets gdb trace no process.");
            return;
        }

        string seen = NativeProcess.Run("gdb", [.. breaks, "-ex", "run", "-ex", "kill", program]);
        Assert.Matches($@"hit Breakpoint [\d.]+, .*RunLayer01Attention<.*Layer01\.g\.cs:{line}\n{line}\t{Regex.Escape(lines[line - 1])}", seen);
    }

    [Fact]
    public void OnArm()
    {
        NativeTests.RequireArmTools();
        Assert.Equal(Expected(), NativeProcess.Run("qemu-aarch64-static", ["-L", NativeTests.ArmLibraries, Publish("linux-arm64"), Prompt]).Trim());
    }

    /// <summary>The one file that was published, as small as promised.</summary>
    private string Publish(string runtime)
    {
        Finished published = BuildProcess.Dotnet(
            Path.Combine(SharedData.RepositoryRoot, "samples", "SingleFile"), "publish", "--nologo", "-c", "Release", "-r", runtime, "-o", folder["out"], "--artifacts-path", folder["build"],
            "-p:ModelCompilerPrebuilt=true", $"-p:ModelCompilerConfiguration={BuildProcess.Configuration}", "-p:EmitCompilerGeneratedFiles=true", "-warnaserror").Expect(0);
        Assert.DoesNotContain("warning", published.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(runtime.EndsWith("-x64", StringComparison.Ordinal), published.Output.Contains("Publishing for processors with x86-64-v3 (ModelCompilerInstructionSet)", StringComparison.Ordinal));
        string program = Assert.Single(Directory.GetFiles(folder["out"]));
        using HelloModel model = HelloModel.Load();
        long beyondWeightsBytes = new FileInfo(program).Length - model.Description.WeightsLengthBytes;
        Assert.InRange(beyondWeightsBytes, 0, LargestProgramBytes);
        return program;
    }

    private static string Expected()
    {
        using HelloModel model = HelloModel.Load();
        return Prompt + string.Concat(model.Generate(Prompt, new() { Temperature = 0, MaxTokens = 60 }));
    }

    private static void RefusesAProcessorWithoutAvx2(string program)
    {
        ProcessStartInfo start = new("qemu-x86_64-static", ["-cpu", "Nehalem", program]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        Assert.Empty(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(Aborted, process.ExitCode);
        Assert.StartsWith("The required instruction sets are not supported by the current CPU.", error.Result.TrimStart());
    }
}

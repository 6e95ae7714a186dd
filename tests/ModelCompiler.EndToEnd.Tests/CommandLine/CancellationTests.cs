using System.Diagnostics;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>Ctrl+C ends long work at once, with the exit code that shells expect, and leaves no half of a file.</summary>
public sealed class CancellationTests
{
    [Fact]
    public void PackingLeavesNothingBehind()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "SIGINT cannot be sent to one process on Windows.");
        using TemporaryFolder folder = new();
        folder.Synthesise("m", "stories15m");
        for (int attempt = 0; attempt < 10; attempt++)
        {
            using Process process = ChildProcess.StartModelc("pack", folder["m"], "-o", folder["out"], "--weights", "q4"); // the slowest to pack
            Assert.True(SpinWait.SpinUntil(
                () => Directory.Exists(folder["out"]) && Directory.EnumerateFiles(folder["out"], "*.tmp").Any() || process.HasExited, TimeSpan.FromSeconds(60)));
            ChildProcess.Interrupt(process);
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
            Assert.DoesNotContain("   at ", process.StandardError.ReadToEnd());
            Assert.Empty(Directory.EnumerateFiles(folder["out"], "*.tmp"));
            if (process.ExitCode == 130)
            {
                Assert.Empty(Directory.EnumerateFiles(folder["out"]));
                return;
            }

            // It was faster than the signal.
            Assert.Equal(0, process.ExitCode);
            Directory.Delete(folder["out"], recursive: true);
        }

        Assert.Fail("every attempt ended before the signal came");
    }
}

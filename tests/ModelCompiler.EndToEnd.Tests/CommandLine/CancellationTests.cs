using System.Diagnostics;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>Ctrl+C ends long work at once, with the exit code that shells expect, and leaves no half of a file, nor an empty folder that it made.</summary>
public sealed class CancellationTests
{
    [Theory]
    [InlineData("pack", "m", "-o", "above/out", "--weights", "q4")] // the slowest to pack
    [InlineData("synth", "above/out", "--like", "gpt2-124m")]
    public void NothingIsLeftBehind(params string[] command)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "SIGINT cannot be sent to one process on Windows.");
        using TemporaryFolder folder = new();
        folder.Synthesise("m", "stories15m");
        string made = folder[Path.Combine("above", "out")];
        for (int attempt = 0; attempt < 10; attempt++)
        {
            using Process process = ChildProcess.StartModelc([.. command.Select(part => part is "m" or "above/out" ? folder[part] : part)]);
            Assert.True(SpinWait.SpinUntil(
                () => Directory.Exists(made) && Directory.EnumerateFiles(made, "*.tmp").Any() || process.HasExited, TimeSpan.FromSeconds(60)));
            ChildProcess.Interrupt(process);
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
            Assert.DoesNotContain("   at ", process.StandardError.ReadToEnd());
            if (process.ExitCode == 130)
            {
                Assert.False(Directory.Exists(folder["above"]));
                return;
            }

            // It was faster than the signal.
            Assert.Equal(0, process.ExitCode);
            Assert.Empty(Directory.EnumerateFiles(made, "*.tmp"));
            Directory.Delete(folder["above"], recursive: true);
        }

        Assert.Fail("every attempt ended before the signal came");
    }
}

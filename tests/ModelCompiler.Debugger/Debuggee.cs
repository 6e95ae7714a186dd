using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace ModelCompiler.Debugger;

/// <summary>The program, started and waiting for a line. Disposed, it runs no longer.</summary>
internal sealed class Debuggee : IDisposable
{
    /// <summary>Writes the program's number before it writes anything itself, and ends as it ends. The program must not be a child of ours: engine and <see cref="Process"/> would both wait for its end, and only one of them hears of it.</summary>
    private const string Shell = "exec 3<&0; sh -c 'echo $$; exec \"$@\"' sh \"$@\" <&3 & wait $!";

    private readonly Process shell;
    private readonly string ready;

    public Debuggee(string program)
    {
        Program = RealPath(program);
        ProcessStartInfo start = new("sh", ["-c", Shell, "sh", "dotnet", Program]) { RedirectStandardInput = true, RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8 };
        start.Environment["DOTNET_EnableDiagnostics"] = "1"; // 0 would switch off the runtime's side of every debugger
        shell = Process.Start(start)!;
        Id = int.Parse(shell.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
        ready = shell.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"'{program}' ended before it could be attached to.");
    }

    /// <summary>The assembly's path without symbolic links, as the runtime has it.</summary>
    public string Program { get; }

    /// <summary>The number of its process.</summary>
    public int Id { get; }

    public int ExitCode => shell.ExitCode;

    /// <summary>Lets it go on; gives everything that it wrote.</summary>
    public string RunToEnd()
    {
        shell.StandardInput.WriteLine();
        string rest = shell.StandardOutput.ReadToEnd();
        shell.WaitForExit();
        return ready + Environment.NewLine + rest;
    }

    private static string RealPath(string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        return new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget!;
    }

    public void Dispose()
    {
        if (!shell.HasExited)
        {
            shell.Kill(entireProcessTree: true);
        }

        shell.Dispose();
    }
}

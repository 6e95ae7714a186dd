using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace ModelCompiler.Compare.Processes;

/// <summary>A program with its arguments, run and watched from outside.</summary>
/// <param name="Path">A path, or a name to be found in PATH.</param>
/// <param name="Arguments">One by one, as the program shall see them.</param>
internal sealed record ChildProgram(string Path, IReadOnlyList<string> Arguments)
{
    /// <summary>With folders left out: what a report may show.</summary>
    public override string ToString() => string.Join(' ', Arguments.Prepend(Path).Select(word => Quote(word.Contains('/') || word.Contains('\\') ? System.IO.Path.GetFileName(word) : word)));

    /// <summary>Runs it to its end.</summary>
    /// <param name="watch">How often to look at its memory; zero: when its first byte arrives.</param>
    /// <param name="cancellation">Ends it, and whatever it started.</param>
    /// <exception cref="CompareException">It cannot be started.</exception>
    public FinishedProgram Run(TimeSpan watch, CancellationToken cancellation)
    {
        long begun = Stopwatch.GetTimestamp();
        using Process process = Start();
        using CancellationTokenRegistration ending = cancellation.Register(() => End(process));
        Task<string> error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using PeakMemory memory = new(process.Id, watch);

        Stream output = process.StandardOutput.BaseStream;
        MemoryStream text = new();
        byte[] buffer = new byte[4096];
        int count = output.Read(buffer);
        TimeSpan? firstByte = count > 0 ? Stopwatch.GetElapsedTime(begun) : null;
        memory.Look();
        for (; count > 0; count = output.Read(buffer))
        {
            text.Write(buffer, 0, count);
        }

        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        return new(ToString(), process.ExitCode, Encoding.UTF8.GetString(text.ToArray()), error.Result, firstByte, memory.PeakBytes);
    }

    private Process Start()
    {
        ProcessStartInfo start = new(Path, Arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        try
        {
            Process process = Process.Start(start)!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception fault)
        {
            throw new CompareException(
                !File.Exists(Path) ? $"{Path}: found no such program, expected one that can be run."
                : $"{Path}: found a file that cannot be run ({fault.Message}), expected a program for this machine with permission to execute.");
        }
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It ended by itself.
        }
    }

    private static string Quote(string word) => word.Length == 0 || word.Contains(' ') ? $"\"{word}\"" : word;
}

namespace ModelCompiler.Compare.Processes;

/// <summary>A program that ran to its end.</summary>
/// <param name="Command">What was run, as a person would type it; folders left out.</param>
/// <param name="ExitCode">How it ended.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="FirstByte">From the start of the process to the first byte of standard output; null: it wrote none.</param>
/// <param name="PeakResidentBytes">The most memory that was seen (VmHWM); 0 where the system does not tell.</param>
internal sealed record FinishedProgram(string Command, int ExitCode, string Output, string Error, TimeSpan? FirstByte, long PeakResidentBytes)
{
    private const int LinesShown = 12;

    /// <summary>Itself, if it ended well.</summary>
    /// <exception cref="CompareException">It did not; with the last lines that it wrote.</exception>
    public FinishedProgram Expect()
        => ExitCode == 0 ? this : throw Fault($"found exit code {ExitCode}, expected 0");

    /// <summary>A fault of this run, with the last lines that it wrote.</summary>
    public CompareException Fault(string what)
    {
        string[] lines = [.. (Error.Trim().Length > 0 ? Error : Output).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(LinesShown)];
        return new($"{Command}: {what}." + (lines.Length == 0 ? " It wrote nothing." : " It wrote last:\n  " + string.Join("\n  ", lines)));
    }
}

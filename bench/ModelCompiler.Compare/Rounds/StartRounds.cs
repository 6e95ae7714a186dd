using ModelCompiler.Compare.Inputs;
using ModelCompiler.Compare.Processes;
using ModelCompiler.Compare.Results;

namespace ModelCompiler.Compare.Rounds;

/// <summary>From a process's start to its first token, ours and theirs in turns; then the memory of each, in a run of its own, because watching costs time.</summary>
/// <param name="folder">What paths that begin with <c>./</c> are relative to.</param>
/// <param name="tell">Told what is being done.</param>
internal sealed class StartRounds(string folder, Action<string> tell)
{
    private static readonly TimeSpan MemoryWatch = TimeSpan.FromMilliseconds(1);

    /// <summary>So many starts of each.</summary>
    public StartResult Run(StartPair pair, StartResult? before, int starts, CancellationToken cancellation)
    {
        tell($"{pair.Key}: {starts} starts");
        ChildProgram ours = ProgramOf(pair.Ours);
        ChildProgram theirs = ProgramOf(pair.Theirs);
        long ourMemory = ours.Run(MemoryWatch, cancellation).Expect().PeakResidentBytes; // these also bring the files into memory
        long theirMemory = theirs.Run(MemoryWatch, cancellation).Expect().PeakResidentBytes;
        List<double> ourSeconds = [.. before?.OurSeconds ?? []];
        List<double> theirSeconds = [.. before?.TheirSeconds ?? []];
        for (int i = 0; i < starts; i++)
        {
            if (i % 2 == 0)
            {
                ourSeconds.Add(Start(ours, cancellation));
                theirSeconds.Add(Start(theirs, cancellation));
            }
            else
            {
                theirSeconds.Add(Start(theirs, cancellation));
                ourSeconds.Add(Start(ours, cancellation));
            }
        }

        return new(pair, ourSeconds, theirSeconds, ourMemory, theirMemory);
    }

    private static double Start(ChildProgram program, CancellationToken cancellation)
    {
        FinishedProgram run = program.Run(watch: default, cancellation).Expect();
        return run.FirstByte?.TotalSeconds ?? throw run.Fault("found nothing on standard output, expected the generated text");
    }

    private ChildProgram ProgramOf(string[] command)
    {
        if (command.Length == 0)
        {
            throw new CompareException("a start: found no command, expected a program and its arguments.");
        }

        string[] words = [.. command.Select(word => word.StartsWith("./", StringComparison.Ordinal) ? Path.GetFullPath(word, Path.GetFullPath(folder)) : word)];
        return new(words[0], words[1..]);
    }
}

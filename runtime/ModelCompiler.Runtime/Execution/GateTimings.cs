namespace ModelCompiler.Runtime.Execution;

/// <summary>How long waiting threads stay awake. A look costs some 40 ns, a yield 0.7 µs where nobody wants the processor.</summary>
internal static class GateTimings
{
    /// <summary>
    /// The workers of a stage end almost together: spin for 10 µs, then yield for 140 µs, then sleep. Not more spinning: when two workers
    /// are put on one processor, the one that waits spins in the other's time (40 µs of it made a barrier cost 42 µs on a busy machine).
    /// </summary>
    public static Gate ForBarrier(int workers) => new(Spins(workers), yields: 200);

    /// <summary>
    /// Stages of a training step take milliseconds, and so do the differences between workers: yield for some 2 ms, where falling asleep and being woken would
    /// cost an interrupt of the other processor each time. (Its gain was within the noise of 2 %.)
    /// </summary>
    public static Gate ForLongBarrier(int workers) => new(Spins(workers), yields: 3000);

    /// <summary>Between two steps lies the choice of a token: a worker stays awake for some 45 µs, then costs nothing. Waking costs 30 µs and more.</summary>
    public static Gate ForStart(int workers) => new(Spins(workers), yields: 50);

    private static int Spins(int workers) => workers <= Environment.ProcessorCount ? 250 : 10;
}

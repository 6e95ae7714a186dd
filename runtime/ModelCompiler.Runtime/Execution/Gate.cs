using System.Runtime.InteropServices;

namespace ModelCompiler.Runtime.Execution;

/// <summary>An integer alone on its cache lines (two, because processors fetch lines in pairs).</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct PaddedInt
{
    [FieldOffset(128)]
    public int Value;
}

/// <summary>
/// A count of openings that threads wait on. A waiting thread first spins, since most waits are shorter than a system call; then it
/// offers its processor to others; then it sleeps, so that neither an idle model nor a machine with fewer processors than workers
/// burns time. Opening costs one atomic operation while nobody sleeps.
/// </summary>
/// <param name="spins">Looks, about 40 ns apart, before the first yield.</param>
/// <param name="yields">Looks with a yield before each, before sleep.</param>
internal sealed class Gate(int spins, int yields)
{
    private readonly object monitor = new();
    private PaddedInt opened;
    private PaddedInt sleepers;

    /// <summary>How often it was opened.</summary>
    public int Openings => Volatile.Read(ref opened.Value);

    /// <summary>Lets everyone through who waits with an earlier count. What was written before is visible to them.</summary>
    public void Open()
    {
        // A sleeper counts itself before it looks at the openings, and here it is the other way round, both with a full fence between:
        // one of the two sees the other.
        Interlocked.Increment(ref opened.Value);
        if (Volatile.Read(ref sleepers.Value) != 0)
        {
            lock (monitor)
            {
                Monitor.PulseAll(monitor);
            }
        }
    }

    /// <summary>Returns when <see cref="Openings"/> differs from <paramref name="seen"/>; returns the new count.</summary>
    public int Wait(int seen)
    {
        for (int i = 0; i < spins; i++)
        {
            if (Openings != seen)
            {
                return Openings;
            }

            Thread.SpinWait(1);
        }

        for (int i = 0; i < yields; i++)
        {
            if (Openings != seen)
            {
                return Openings;
            }

            Thread.Yield();
        }

        return Sleep(seen);
    }

    private int Sleep(int seen)
    {
        // A step's memory belongs to all of its workers: an interrupted thread must not run off, and is interrupted when it is through.
        bool interrupted = false;
        Interlocked.Increment(ref sleepers.Value);
        while (Openings == seen)
        {
            try
            {
                lock (monitor)
                {
                    while (Openings == seen)
                    {
                        Monitor.Wait(monitor);
                    }
                }
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        }

        Interlocked.Decrement(ref sleepers.Value);
        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }

        return Openings;
    }
}

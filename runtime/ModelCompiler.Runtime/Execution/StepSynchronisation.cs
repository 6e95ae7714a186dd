using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// What the workers of a step share: the barrier, and for each worker its share of the current stage's items. A worker that fails
/// breaks the barrier, so that the others leave their step at their next barrier instead of waiting for ever.
/// </summary>
internal sealed class StepSynchronisation
{
    private const ulong Untouched = ulong.MaxValue;

    private readonly Share[] shares;
    private readonly Gate gate;
    private PaddedInt arrived;
    private PaddedInt left;
    private int count;
    private volatile bool broken;
    private ExceptionDispatchInfo? failure;

    /// <param name="workers">Most workers of a step.</param>
    /// <param name="longStages">Stages take milliseconds.</param>
    public StepSynchronisation(int workers, bool longStages = false)
    {
        shares = new Share[workers];
        gate = longStages ? GateTimings.ForLongBarrier(workers) : GateTimings.ForBarrier(workers);
    }

    /// <summary>Starts a step of <paramref name="workers"/> workers, none of which is running yet.</summary>
    public void Begin(int workers)
    {
        count = workers;
        arrived.Value = 0;
        left.Value = 0;
        broken = false;
        failure = null;
        ResetShares();
    }

    /// <summary>Called by each worker where a stage ends. The last one to come makes the shares whole again and opens the gate.</summary>
    /// <exception cref="StepBrokenException">Another worker failed.</exception>
    public void Cross()
    {
        int seen = gate.Openings;
        if (broken)
        {
            throw new StepBrokenException();
        }

        if (Interlocked.Increment(ref arrived.Value) == count)
        {
            ResetShares();
            arrived.Value = 0;
            gate.Open();
        }
        else
        {
            Wait(seen);
        }

        if (broken)
        {
            throw new StepBrokenException();
        }
    }

    private void Wait(int seen)
    {
        // Whoever left through this barrier opened it first: left is read before the openings.
        if (Volatile.Read(ref left.Value) != 0 && gate.Openings == seen)
        {
            BreakUneven();
        }

        gate.Wait(seen);
    }

    /// <summary>Called by each worker when it is through. Code whose workers cross different numbers of barriers fails here instead of hanging.</summary>
    public void Leave()
    {
        Interlocked.Increment(ref left.Value);
        if (!broken && Volatile.Read(ref arrived.Value) != 0)
        {
            BreakUneven();
        }
    }

    /// <summary>A worker failed: remembers the first failure and lets the others go.</summary>
    public void Break(Exception exception)
    {
        if (exception is StepBrokenException)
        {
            return;
        }

        Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);
        broken = true;
        gate.Open();
    }

    /// <summary>Throws again, on the thread that asked for the step, what a worker threw.</summary>
    public void ThrowIfBroken() => failure?.Throw();

    /// <summary>
    /// Claims up to <paramref name="grain"/> items of the share of worker <paramref name="owner"/>: the first ones when
    /// <paramref name="owned"/>, so that the owner's runs follow each other in memory; the last ones when another worker helps out.
    /// </summary>
    public bool Claim(int owner, bool owned, int total, int grain, out int first, out int last)
    {
        ref ulong word = ref shares[owner].Word;
        ulong current = Volatile.Read(ref word);
        while (true)
        {
            // Nobody lays the shares out: an untouched one is what total and count say.
            int begin = current == Untouched ? (int)((long)total * owner / count) : (int)(uint)current;
            int end = current == Untouched ? (int)((long)total * (owner + 1) / count) : (int)(current >> 32);
            if (begin >= end)
            {
                first = last = end;
                return false;
            }

            int run = Math.Min(grain, end - begin);
            first = owned ? begin : end - run;
            last = first + run;
            ulong rest = owned ? Pack(last, end) : Pack(begin, first);
            ulong found = Interlocked.CompareExchange(ref word, rest, current);
            if (found == current)
            {
                return true;
            }

            current = found;
        }
    }

    private static ulong Pack(int begin, int end) => (uint)begin | ((ulong)(uint)end << 32);

    private void ResetShares()
    {
        for (int i = 0; i < count; i++)
        {
            shares[i].Word = Untouched;
        }
    }

    private void BreakUneven() => Break(new InvalidOperationException("The workers of a step crossed different numbers of barriers: the compiled code is wrong."));

    /// <summary>Items of a stage that one worker has yet to do: begin in the low half, end in the high half, alone on its cache lines.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Share
    {
        [FieldOffset(128)]
        public ulong Word;
    }
}

/// <summary>Takes a worker out of a step that another worker broke. Never leaves the runtime.</summary>
internal sealed class StepBrokenException() : Exception("Another worker of this step failed.");

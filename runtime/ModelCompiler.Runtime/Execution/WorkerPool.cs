namespace ModelCompiler.Runtime.Execution;

/// <summary>
/// The threads of a model. The thread that asks for a step is worker 0; the others are started when they are first needed, sleep
/// between steps, and end with <see cref="Dispose"/>. One step at a time.
/// </summary>
internal sealed class WorkerPool : IDisposable
{
    /// <summary>Most workers of a model.</summary>
    public const int MaxThreads = 64;

    private readonly string name;
    private readonly StepSynchronisation synchronisation;
    private readonly Worker[] workers;
    private readonly Gate[] starts;
    private readonly Gate finished;
    private PaddedInt running;
    private int startedThreads = 1;
    private volatile bool stopping;
    private Action<Worker>? body;

    /// <param name="threads">Most workers of a step.</param>
    /// <param name="name">The model's name; threads carry it.</param>
    /// <param name="longStages">Stages take milliseconds, as training's do.</param>
    public WorkerPool(int threads, string name, bool longStages = false)
    {
        this.name = name;
        synchronisation = new StepSynchronisation(threads, longStages);
        workers = new Worker[threads];
        starts = new Gate[threads];
        for (int i = 0; i < threads; i++)
        {
            workers[i] = new Worker { Index = i };
            starts[i] = GateTimings.ForStart(threads);
        }

        finished = longStages ? GateTimings.ForLongBarrier(threads) : GateTimings.ForBarrier(threads);
    }

    /// <summary>Most workers of a step.</summary>
    public int Threads => workers.Length;

    /// <summary>What each worker sees; set up by the caller of <see cref="Run"/>.</summary>
    public ReadOnlySpan<Worker> Workers => workers;

    /// <summary>Runs <paramref name="step"/> on <paramref name="count"/> workers and returns when all are through.</summary>
    /// <exception cref="Exception">What the first failing worker threw. The pool can be used again.</exception>
    public void Run(int count, Action<Worker> step)
    {
        ObjectDisposedException.ThrowIf(stopping, this);
        for (int i = 0; i < count; i++)
        {
            workers[i].Begin(count, synchronisation);
        }

        if (count == 1)
        {
            step(workers[0]);
            return;
        }

        StartThreads(count);
        synchronisation.Begin(count);
        body = step;
        running.Value = count - 1;
        int seen = finished.Openings;
        for (int i = 1; i < count; i++)
        {
            starts[i].Open();
        }

        Work(workers[0], step);
        finished.Wait(seen);

        // The threads outlive the step; the model that it closes over need not.
        body = null;
        synchronisation.ThrowIfBroken();
    }

    /// <summary>Lets the threads end. Not while a step is running.</summary>
    public void Dispose()
    {
        stopping = true;
        foreach (Gate start in starts)
        {
            start.Open();
        }
    }

    private void StartThreads(int count)
    {
        for (; startedThreads < count; startedThreads++)
        {
            int index = startedThreads;
            int seen = starts[index].Openings;
            int starter = Placement.Processor();
            new Thread(() => Serve(index, seen, starter)) { IsBackground = true, Name = $"{name} worker {index}" }.Start();
        }
    }

    private void Serve(int index, int seen, int starter)
    {
        Placement.Leave(starter);
        while (true)
        {
            seen = starts[index].Wait(seen);
            if (stopping)
            {
                return;
            }

            Work(workers[index], body!);
            if (Interlocked.Decrement(ref running.Value) == 0)
            {
                finished.Open();
            }
        }
    }

    private void Work(Worker worker, Action<Worker> step)
    {
        try
        {
            step(worker);
        }
        catch (Exception exception)
        {
            synchronisation.Break(exception);
        }

        synchronisation.Leave();
    }
}

using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Memory;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Weights;

namespace ModelCompiler.Runtime;

/// <summary>
/// Base of every emitted model class. The emitted part supplies <see cref="Execute"/>; this part is the same for all models.
/// A model may be used from several threads: their steps take turns.
/// </summary>
public abstract unsafe partial class CompiledModel : IDisposable
{
    private readonly Lock stepLock = new();
    private readonly WeightsFile weights;
    private readonly StepRunner runner;
    private readonly NativeBlock? adapter;
    private readonly Action<Worker> execute;
    private bool disposed;

    /// <summary>Called by the emitted class's Load: opens and checks the weights, and chooses the instruction set.</summary>
    /// <exception cref="FileNotFoundException">The weights are not where they should be.</exception>
    /// <exception cref="WeightsFileException">They are not this model's, or damaged.</exception>
    /// <exception cref="AdapterException">The adapter does not fit.</exception>
    /// <exception cref="PlatformNotSupportedException">This processor does not have the instruction set.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="Offload.OffloadException">Another processor was asked for and cannot be had.</exception>
    protected CompiledModel(ModelDescription description, LoadOptions? options)
    {
        options ??= new LoadOptions();
        Description = description;
        try
        {
            InstructionSet = InstructionSets.Choose(description.InstructionSets, options.InstructionSet, Environment.GetEnvironmentVariable(InstructionSets.EnvironmentVariable));
            weights = WeightsFile.Open(ExpectedWeights.Of(description), options, GetType().Assembly);
            adapter = OpenAdapter(description, options, weights);
            runner = new StepRunner(description, options, weights.Data, adapter is null ? null : adapter.Bytes);
            execute = worker => Execute(InstructionSet, worker);
            OpenOffload(options.Offload);
        }
        catch
        {
            runner?.Dispose();
            weights?.Dispose();
            adapter?.Dispose();
            GC.SuppressFinalize(this);
            throw;
        }
    }

    /// <summary>A forgotten model must not keep its threads; its memory frees itself.</summary>
    ~CompiledModel() => runner.StopThreads();

    /// <summary>The numbers of this model.</summary>
    public ModelDescription Description { get; }

    /// <summary>The instruction set that it runs with.</summary>
    public InstructionSet InstructionSet { get; }

    /// <summary>Most threads of a step.</summary>
    public int Threads => runner.Threads;

    /// <summary>Begins a sequence.</summary>
    public Session CreateSession()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return new Session(this);
    }

    /// <summary>
    /// Reads tokens of several sessions together, which costs little more than one of them: the weights are read once for all. Each
    /// gets the bits that it would get alone. When it throws, every session stands where it stood; unless an input was refused, without logits.
    /// </summary>
    /// <param name="inputs">Each session at most once; their logits are then in <see cref="Session.Logits"/>.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="ArgumentException">A session is not of this model, or there twice; or tokens are refused, as <see cref="Session.Forward"/> tells.</exception>
    /// <exception cref="InvalidOperationException">A session is in another call.</exception>
    public void Forward(ReadOnlySpan<SessionTokens> inputs, CancellationToken cancellation = default)
    {
        Session[] sessions = new Session[inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            Session session = inputs[i].Session;
            if (session.Model != this || Array.IndexOf(sessions, session, 0, i) >= 0)
            {
                throw new ArgumentException($"Input {i}: the session {(session.Model != this ? "belongs to another model" : "is there twice")}.", nameof(inputs));
            }

            sessions[i] = session;
        }

        int entered = 0;
        try
        {
            for (; entered < sessions.Length; entered++)
            {
                sessions[entered].Enter(inputs[entered].Tokens.Span);
            }

            for (int i = 0; i < sessions.Length; i++)
            {
                sessions[i].Prepare(inputs[i].Tokens.Span, inputs[i].Which);
            }

            RunPrepared(sessions, cancellation);
            foreach (Session session in sessions)
            {
                session.Commit();
            }
        }
        finally
        {
            foreach (Session session in sessions.AsSpan(0, entered))
            {
                session.Leave();
            }
        }
    }

    /// <summary>Reads all weights and compares their SHA-256 with what they were packed with.</summary>
    /// <exception cref="WeightsFileException">They are damaged.</exception>
    public void VerifyContent()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        weights.VerifyContent();
        GC.KeepAlive(this);
    }

    /// <summary>Ends the threads and frees the weights, after the step that may be running. Its sessions cannot be used any more.</summary>
    public void Dispose()
    {
        lock (stepLock)
        {
            if (!disposed)
            {
                disposed = true;
                offloaded?.Dispose();
                runner.Dispose();
                weights.Dispose();
                adapter?.Dispose();
            }
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Runs the model over one step with the code of an instruction set. Called by every worker of the step. Emitted.</summary>
    protected abstract void Execute(InstructionSet instructionSet, Worker worker);

    /// <summary>Memory of the adapters that the class has, 0 where none is loaded: then they add nothing.</summary>
    private static NativeBlock? OpenAdapter(ModelDescription description, LoadOptions options, WeightsFile weights)
    {
        if (description.Adapter is not { } layout)
        {
            return options.Adapter is null
                ? null
                : throw new ArgumentException($"{nameof(LoadOptions)}.{nameof(LoadOptions.Adapter)}: found '{options.Adapter}', but model '{description.Name}' was compiled without adapters. Compile it with them, or merge the adapter into its weights.");
        }

        if (options is { Adapter: not null, Offload: not null })
        {
            throw new ArgumentException($"{nameof(LoadOptions)}: found both {nameof(LoadOptions.Adapter)} and {nameof(LoadOptions.Offload)}, expected one of them: another processor's graph has no adapters. Merge the adapter into the weights.");
        }

        NativeBlock memory = new(layout.LengthBytes, $"the adapters of model '{description.Name}'");
        try
        {
            if (options.Adapter is { } folder)
            {
                AdapterFolder.Read(folder, layout, new(description.PlanHash, weights.Sample()), memory.Floats);
            }

            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Runs the prepared tokens of the sessions, as many of them together in a step as fit.</summary>
    internal void RunPrepared(ReadOnlySpan<Session> sessions, CancellationToken cancellation)
    {
        if (offloaded is not null)
        {
            sessions = RunOffloaded(sessions, cancellation);
        }

        foreach (Session session in sessions)
        {
            session.PrepareOwn();
        }

        bool more = !sessions.IsEmpty;
        while (more)
        {
            cancellation.ThrowIfCancellationRequested();
            lock (stepLock)
            {
                ObjectDisposedException.ThrowIf(disposed, this);
                more = RunStep(sessions);
            }
        }
    }

    /// <summary>One step. True when tokens are left for another.</summary>
    private bool RunStep(ReadOnlySpan<Session> sessions)
    {
        runner.Begin();
        Span<int> rows = sessions.Length <= 64 ? stackalloc int[sessions.Length] : new int[sessions.Length];
        int taking = 0;
        int only = 0;
        for (int i = 0; i < sessions.Length; i++)
        {
            rows[i] = Math.Min(sessions[i].Remaining, runner.Room);
            if (rows[i] > 0)
            {
                sessions[i].AddTo(runner, rows[i]);
                taking++;
                only = i;
            }
        }

        float* made = runner.Run(execute, taking == 1 ? sessions[only].NextLogits : null, new StepLook(sessions.Length == 1 ? sessions[0].Tracing : null));
        bool more = false;
        for (int i = 0; i < sessions.Length; i++)
        {
            float* own = sessions[i].NextLogits;
            long floats = (long)(rows[i] > 0 ? sessions[i].CountRows(rows[i]) : 0) * Description.VocabStride;
            if (floats > 0)
            {
                // Logits of a sequence that ran alone are in place already.
                if (made != own)
                {
                    Buffer.MemoryCopy(made, own, floats * sizeof(float), floats * sizeof(float));
                }

                made += floats;
            }

            more |= sessions[i].Remaining > 0;
        }

        return more;
    }
}

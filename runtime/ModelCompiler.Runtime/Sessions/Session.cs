using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Memory;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Runtime.Tracing;

namespace ModelCompiler.Runtime.Sessions;

/// <summary>
/// One sequence of tokens that a model has read: its cache of keys and values, and where it stands. A model may have any number of
/// sessions. A session is for one thread at a time, and throws <see cref="InvalidOperationException"/> where two calls meet; different
/// sessions may be used from different threads, and take turns step by step.
/// </summary>
public sealed unsafe class Session : IDisposable
{
    private readonly CompiledModel model;
    private readonly KeyValueCache cache;
    private IOffloadedSequence? remote;
    private bool staysHere;
    private int cached; // positions in the cache; fewer than were read only where another processor read them
    private int[] history = [];
    private int pending;
    private int done;
    private LogitsFor wanted;
    private PinnedFloats? logits;
    private int logitRows;
    private CallState calls;

    internal Session(CompiledModel model)
    {
        this.model = model;
        cache = new KeyValueCache(model.Description);
    }

    /// <summary>Tokens read so far, which is the position of the next one.</summary>
    public int Position { get; private set; }

    /// <summary>Tokens that still fit.</summary>
    public int Room => model.Description.ContextLength - Position;

    /// <summary>The tokens read so far. A view, good until the next call.</summary>
    public ReadOnlySpan<int> Tokens => history.AsSpan(0, Position);

    /// <summary>Memory of the cache, in bytes, on whichever processor; grows with the position.</summary>
    public long CacheBytes => cache.LengthBytes + (remote?.CacheBytes ?? 0);

    /// <summary>
    /// Reads more tokens, in steps of at most <see cref="LoadOptions.PromptChunk"/>. How they are cut into calls and steps does not
    /// change a bit of the result. When it throws, the session stands where it stood; unless the tokens were refused, without logits.
    /// </summary>
    /// <param name="tokens">At least one; each 0 … vocab − 1.</param>
    /// <param name="which">Of which tokens the logits are computed.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <returns>Logits, good until the next call.</returns>
    /// <exception cref="InvalidOperationException">The session is in another call.</exception>
    /// <exception cref="ObjectDisposedException">Session or model were disposed, perhaps meanwhile.</exception>
    /// <exception cref="ArgumentException">No tokens, or one that the model does not know.</exception>
    /// <exception cref="ContextFullException">More tokens than the model has positions.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="OffloadException">The processor that <see cref="LoadOptions.Offload"/> names failed.</exception>
    public Logits Forward(ReadOnlySpan<int> tokens, LogitsFor which = LogitsFor.Last, CancellationToken cancellation = default)
    {
        Enter(tokens);
        try
        {
            Prepare(tokens, which);
            model.RunPrepared([this], cancellation);
            Commit();
        }
        finally
        {
            Leave();
        }

        return Logits;
    }

    /// <summary>
    /// Reads more tokens as <see cref="Forward"/> does, for the logits of all of them, and keeps what is seen on the way: the same bits, some of them
    /// computed once more. Slow, and takes 4 · tokens · ((2 · layers + 2) · dim + layers · heads · positions) bytes besides.
    /// </summary>
    /// <param name="tokens">At least one; each 0 … vocab − 1.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="InvalidOperationException">The class was compiled without Trace, or the session is in another call.</exception>
    /// <exception cref="OutOfMemoryException">There is not enough.</exception>
    public ForwardTrace Trace(ReadOnlySpan<int> tokens, CancellationToken cancellation = default) => TraceWith(tokens, keepsInputs: false, cancellation);

    /// <summary>The same, with what products in block formats read (<see cref="ForwardTrace.Input"/>), if <paramref name="keepsInputs"/>.</summary>
    internal ForwardTrace TraceWith(ReadOnlySpan<int> tokens, bool keepsInputs, CancellationToken cancellation)
    {
        model.RequireTrace();
        if (model.IsOffloaded)
        {
            throw new InvalidOperationException($"Model '{model.Description.Name}' runs on another processor, which shows nothing of what it computes. Load it without {nameof(LoadOptions.Offload)} to trace.");
        }

        Enter(tokens);
        try
        {
            ModelDescription d = model.Description;
            StepTrace trace = new((2 * d.Layers) + 2, tokens.Length, d.Dim, d.Layers, d.Heads, Position + tokens.Length, keepsInputs);
            ForwardTrace result = new(model, trace, tokens.ToArray(), Position);
            Prepare(tokens, LogitsFor.All);
            Tracing = trace;
            model.RunPrepared([this], cancellation);
            Commit();
            return result;
        }
        finally
        {
            Tracing = null;
            Leave();
        }
    }

    /// <summary>Logits of the last call.</summary>
    public Logits Logits
    {
        get
        {
            ObjectDisposedException.ThrowIf(calls.IsDisposed, this);
            return new Logits(logits is null ? [] : logits.Span, logitRows, model.Description.Vocab, model.Description.VocabStride);
        }
    }

    /// <summary>
    /// Writes on behind what was read and <paramref name="text"/>. Read afterwards are both and the generated tokens, except the last.
    /// The tokens that the tokenizer puts around a text are added only where the session is empty.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The text has no tokens; an empty session then reads the model's begin token, where there is one.
    /// </exception>
    public TextGeneration Generate(string text, GenerationOptions? options = null, CancellationToken cancellation = default)
    {
        ITextCodec codec = model.RequireTextCodec();
        return new TextGeneration(new SessionLease(model, this), codec, model.EncodePrompt(codec, text, Position == 0), options, cancellation);
    }

    /// <summary>As <see cref="Generate(string, GenerationOptions?, CancellationToken)"/>, behind tokens that are taken as they are.</summary>
    /// <exception cref="ArgumentException">There are no tokens.</exception>
    /// <exception cref="InvalidOperationException">The weights have no tokenizer.</exception>
    public TextGeneration Generate(ReadOnlySpan<int> tokens, GenerationOptions? options = null, CancellationToken cancellation = default)
        => tokens.IsEmpty
            ? throw new ArgumentException("Found a prompt without tokens, expected at least one.", nameof(tokens))
            : new TextGeneration(new SessionLease(model, this), model.RequireTextCodec(), tokens.ToArray(), options, cancellation);

    /// <summary>Writes on behind what was read and <paramref name="tokens"/>. Read afterwards are both and the generated tokens, except the last.</summary>
    /// <exception cref="ArgumentException">There are no tokens.</exception>
    public TokenGeneration GenerateTokens(ReadOnlySpan<int> tokens, GenerationOptions? options = null, CancellationToken cancellation = default)
        => new(new SessionLease(model, this), tokens.ToArray(), options, cancellation);

    /// <summary>Forgets every token from <paramref name="position"/> on, and the logits.</summary>
    /// <param name="position">0 … <see cref="Position"/>.</param>
    /// <exception cref="InvalidOperationException">The session is in another call.</exception>
    public void Rewind(int position)
    {
        calls.Enter(this);
        try
        {
            ArgumentOutOfRangeException.ThrowIfNegative(position);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(position, Position);
            Position = position;
            logitRows = 0;
            cached = Math.Min(cached, position);
            cache.Truncate(cached);
            remote?.Truncate(position);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>A new session that has read the same tokens. Copies the cache; has no logits.</summary>
    /// <exception cref="InvalidOperationException">The session is in another call.</exception>
    public Session Fork()
    {
        calls.Enter(this);
        Session? fork = null;
        try
        {
            fork = model.CreateSession();
            fork.cache.CopyFrom(cache, cached);
            fork.cached = cached;
            fork.staysHere = staysHere;
            fork.history = Tokens.ToArray();
            fork.Position = Position;
            return fork;
        }
        catch
        {
            fork?.Dispose();
            throw;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Frees the memory: at once, or when the call that is under way on another thread ends.</summary>
    public void Dispose()
    {
        if (calls.Dispose())
        {
            Free();
        }
    }

    /// <summary>The model that reads.</summary>
    internal CompiledModel Model => model;

    /// <summary>Receives what the call that is under way computes, where it is traced.</summary>
    internal StepTrace? Tracing { get; private set; }

    /// <summary>Tokens of the prepared call that have not been in a step; before them, those read elsewhere that the cache does not hold.</summary>
    internal int Remaining => done < 0 ? -done : pending - done;

    /// <summary>Begins a call, unless it cannot read these tokens. Nothing else changes. <see cref="Leave"/> ends it.</summary>
    internal void Enter(ReadOnlySpan<int> tokens)
    {
        calls.Enter(this);
        try
        {
            Check(tokens);
        }
        catch
        {
            Leave();
            throw;
        }
    }

    /// <summary>Takes the memory that the call needs on whichever processor it runs. The logits of the call before are gone; nothing else that can be seen changes.</summary>
    /// <exception cref="OutOfMemoryException">There is not enough.</exception>
    internal void Prepare(ReadOnlySpan<int> tokens, LogitsFor which)
    {
        pending = tokens.Length;
        done = 0;
        wanted = which;
        logitRows = 0;
        ReserveLogits(which == LogitsFor.All ? tokens.Length : (int)which);
        if (history.Length < Position + tokens.Length)
        {
            Array.Resize(ref history, Math.Min(Math.Max(Position + tokens.Length, 2 * history.Length), model.Description.ContextLength));
        }

        tokens.CopyTo(history.AsSpan(Position));
    }

    /// <summary>The call will be run by the emitted code: takes room in the cache. What another processor read is read again first.</summary>
    /// <exception cref="OutOfMemoryException">There is not enough.</exception>
    internal void PrepareOwn()
    {
        cache.Reserve(Position + pending);
        done = cached - Position;
    }

    /// <summary>Whether another processor reads the prepared tokens, given what it is there for.</summary>
    internal bool IsFor(OffloadedWork work) => !staysHere && (work == OffloadedWork.Everything || (Position == 0 && pending > 1));

    /// <summary>Runs the prepared call on another processor.</summary>
    internal void RunOn(IOffloadedModel processor, OffloadedWork work, CancellationToken cancellation)
    {
        remote ??= processor.Begin();
        int rows = wanted == LogitsFor.All ? pending : (int)wanted;
        int stride = model.Description.VocabStride;
        remote.Read(history.AsSpan(0, Position + pending), rows == 0 ? [] : logits!.Span[..(rows * stride)], stride, cancellation);
        logitRows = rows;
        if (work == OffloadedWork.Prompts)
        {
            cache.Reserve(pending);
            cache.TakeOver(remote, model.Description, pending);
            cached = pending;
            LeaveProcessor();
        }
    }

    /// <summary>The other processor is not asked again.</summary>
    internal void StayHere()
    {
        staysHere = true;
        LeaveProcessor();
    }

    /// <summary>Keys and values of a layer, each [kvHeads × positions × headDim]: what the cache holds, as numbers.</summary>
    internal void CopyCache(int layer, Span<float> keys, Span<float> values) => cache.Copy(model.Description, layer, cached, keys, values);

    /// <summary>Adds the next <paramref name="rows"/> prepared tokens to a step.</summary>
    internal void AddTo(StepRunner step, int rows)
    {
        LogitsFor which = done < 0 ? LogitsFor.None : wanted == LogitsFor.Last && rows < Remaining ? LogitsFor.None : wanted;
        if (Tracing is not null)
        {
            Tracing.FirstToken = done;
        }

        step.Add(cache.Pages, Position + done, history.AsSpan(Position + done, rows), which);
    }

    /// <summary>Where the logits of the next step go.</summary>
    internal float* NextLogits => logits is null ? null : logits.Pointer + ((long)logitRows * model.Description.VocabStride);

    /// <summary>The step is done. Returns how many rows of logits it made for this session.</summary>
    internal int CountRows(int rows)
    {
        done += rows;
        cached = Position + done;
        if (done <= 0)
        {
            return 0;
        }

        int made = wanted switch
        {
            LogitsFor.All => rows,
            LogitsFor.Last => Remaining == 0 ? 1 : 0,
            _ => 0,
        };
        logitRows += made;
        return made;
    }

    /// <summary>All steps of the call are done.</summary>
    internal void Commit()
    {
        Position += pending;
        pending = done = 0;
    }

    /// <summary>
    /// Ends the call. What was prepared and not committed is taken back: the session stands where it stood, without logits.
    /// Throws nothing, so that of several sessions each is left.
    /// </summary>
    internal void Leave()
    {
        if (pending > 0)
        {
            pending = done = logitRows = 0;
            cached = Math.Min(cached, Position);
            cache.Truncate(cached);
            remote?.Truncate(Position); // another processor may have read what another session's failure takes back
        }

        if (calls.Leave())
        {
            Free();
        }
    }

    private void LeaveProcessor()
    {
        remote?.Dispose();
        remote = null;
    }

    private void Free()
    {
        LeaveProcessor();
        cache.Dispose();
        logits = null;
    }

    private void Check(ReadOnlySpan<int> tokens)
    {
        if (tokens.IsEmpty)
        {
            throw new ArgumentException("Found no tokens, expected at least one.", nameof(tokens));
        }

        ModelDescription description = model.Description;
        if (tokens.Length > Room)
        {
            throw new ContextFullException(Position, tokens.Length, description.ContextLength);
        }

        for (int i = 0; i < tokens.Length; i++)
        {
            if ((uint)tokens[i] >= (uint)description.Vocab)
            {
                throw new ArgumentOutOfRangeException(nameof(tokens), tokens[i], $"Token {i}: found id {tokens[i]}, expected 0 … {description.Vocab - 1}.");
            }
        }
    }

    private void ReserveLogits(int rows)
    {
        long needed = (long)rows * model.Description.VocabStride;
        if (logits is null ? rows > 0 : logits.Length < needed)
        {
            // Let go of the old ones first: both together may not fit.
            logits = null;
            logits = new PinnedFloats(needed, $"the logits of {rows} tokens");
        }
    }
}

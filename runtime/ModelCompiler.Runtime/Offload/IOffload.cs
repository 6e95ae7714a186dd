namespace ModelCompiler.Runtime.Offload;

/// <summary>
/// Another processor that reads tokens in place of the emitted code: <see cref="LoadOptions.Offload"/>. What a session, sampling and text do stays
/// as it is. Its logits are close to those of the emitted code, not the same bits.
/// </summary>
public interface IOffload
{
    /// <summary>Which tokens go there.</summary>
    OffloadedWork Work { get; }

    /// <summary>Whether the emitted code goes on, on the CPU, when the other processor cannot be had or fails. Otherwise that throws.</summary>
    bool FallBackToCpu { get; }

    /// <summary>Opens the model there.</summary>
    /// <exception cref="OffloadException">It cannot be had, or it holds another model.</exception>
    IOffloadedModel Open(ModelDescription description);
}

/// <summary>Which tokens another processor reads.</summary>
public enum OffloadedWork
{
    /// <summary>All of them; keys and values stay there.</summary>
    Everything,

    /// <summary>Prompts, into an empty session; their keys and values are carried over to the session's own cache, and the emitted code goes on from there.</summary>
    Prompts,
}

/// <summary>A model on another processor. Used by one thread at a time.</summary>
public interface IOffloadedModel : IDisposable
{
    /// <summary>Begins a sequence.</summary>
    IOffloadedSequence Begin();
}

/// <summary>A sequence with its keys and values on another processor. Used by one thread at a time.</summary>
public interface IOffloadedSequence : IDisposable
{
    /// <summary>Bytes of keys and values.</summary>
    long CacheBytes { get; }

    /// <summary>
    /// Reads what it has not yet read of <paramref name="tokens"/>, or has forgotten. When it throws, the past stays as it was.
    /// </summary>
    /// <param name="tokens">From position 0 on, at least one more than was read.</param>
    /// <param name="logits">Receives logits of the last logits.Length / stride tokens, row by row; may be empty.</param>
    /// <param name="stride">Floats from one row to the next, at least vocab.</param>
    /// <param name="cancellation">Stops the run.</param>
    /// <exception cref="OffloadException">The processor failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    void Read(ReadOnlySpan<int> tokens, Span<float> logits, int stride, CancellationToken cancellation);

    /// <summary>Forgets every token from <paramref name="position"/> on.</summary>
    void Truncate(int position);

    /// <summary>Keys and values of a layer as attention reads them, each [kvHeads, positions read, headDim].</summary>
    void CopyCache(int layer, Span<float> keys, Span<float> values);
}

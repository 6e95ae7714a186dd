namespace ModelCompiler.Runtime.Sessions;

/// <summary>More tokens than the model has positions. Thrown before anything changes.</summary>
public sealed class ContextFullException : InvalidOperationException
{
    internal ContextFullException(int position, int tokens, int limit)
        : base($"{tokens} more tokens after {position} make {(long)position + tokens}; the model has {limit} positions. Rewind the session, or begin a new one with a shorter text.")
    {
        Found = (long)position + tokens;
        Limit = limit;
    }

    /// <summary>Positions that the call would have needed.</summary>
    public long Found { get; }

    /// <summary>Positions that the model has.</summary>
    public int Limit { get; }
}

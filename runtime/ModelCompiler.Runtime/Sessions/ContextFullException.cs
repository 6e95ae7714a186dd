namespace ModelCompiler.Runtime.Sessions;

/// <summary>More tokens than the model has positions. Thrown before anything changes.</summary>
public sealed class ContextFullException : InvalidOperationException
{
    internal ContextFullException(int position, int tokens, int limit)
        : base(position == 0
            ? $"Found {tokens} tokens, expected at most {limit}, the model's context. Give a shorter text."
            : $"Found {tokens} tokens behind {position}, {(long)position + tokens} in all, expected at most {limit}, the model's context. Rewind the session, or begin a new one with a shorter text.")
    {
        Found = (long)position + tokens;
        Limit = limit;
    }

    /// <summary>Positions that the call would have needed.</summary>
    public long Found { get; }

    /// <summary>Positions that the model has.</summary>
    public int Limit { get; }
}

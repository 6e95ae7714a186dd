namespace ModelCompiler.Runtime.Sessions;

/// <summary>
/// Lets one call at a time touch a session's memory, and says who frees it: <see cref="Dispose"/> when no call is under way, else the
/// call as it leaves. One word, changed only by exchange, so that no two threads can read it differently.
/// </summary>
internal struct CallState
{
    private const int Idle = 0;
    private const int InCall = 1;
    private const int DisposedInCall = 2;
    private const int Disposed = 3;

    private int state;

    /// <summary>True from <see cref="Dispose"/> on.</summary>
    public readonly bool IsDisposed => Volatile.Read(in state) >= DisposedInCall;

    /// <summary>Begins a call.</summary>
    /// <exception cref="InvalidOperationException">Another one is under way.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public void Enter(Session session)
    {
        int found = Interlocked.CompareExchange(ref state, InCall, Idle);
        ObjectDisposedException.ThrowIf(found >= DisposedInCall, session);
        if (found == InCall)
        {
            throw new InvalidOperationException(
                "The session is in another call. A session is for one thread at a time: wait for that call to return, or give each thread a session of its own.");
        }
    }

    /// <summary>Ends the call. True when the session was disposed meanwhile: the caller frees its memory.</summary>
    public bool Leave()
    {
        if (Interlocked.CompareExchange(ref state, Idle, InCall) == InCall)
        {
            return false;
        }

        Volatile.Write(ref state, Disposed);
        return true;
    }

    /// <summary>No further call can begin. True when none is under way: the caller frees the session's memory.</summary>
    public bool Dispose()
    {
        while (true)
        {
            int found = Interlocked.CompareExchange(ref state, Disposed, Idle);
            if (found == Idle)
            {
                return true;
            }

            if (found != InCall || Interlocked.CompareExchange(ref state, DisposedInCall, InCall) == InCall)
            {
                return false;
            }
        }
    }
}

using ModelCompiler.Runtime.Offload;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Runtime;

/// <content>Running on another processor.</content>
public abstract unsafe partial class CompiledModel
{
    private IOffload? offload;
    private IOffloadedModel? offloaded;

    /// <summary>True while another processor reads tokens; what it is there for, <see cref="IOffload.Work"/> says.</summary>
    public bool IsOffloaded => offloaded is not null;

    /// <summary>The last fault of the other processor that the emitted code took over from, where <see cref="IOffload.FallBackToCpu"/> asks for that; else null.</summary>
    public OffloadException? OffloadFault { get; private set; }

    private void OpenOffload(IOffload? asked)
    {
        try
        {
            offload = asked;
            offloaded = asked?.Open(Description);
        }
        catch (OffloadException fault) when (asked!.FallBackToCpu)
        {
            OffloadFault = fault;
        }
    }

    /// <summary>Runs what is for the other processor, session by session. Returns those that the emitted code runs.</summary>
    private Session[] RunOffloaded(ReadOnlySpan<Session> sessions, CancellationToken cancellation)
    {
        List<Session> own = [];
        foreach (Session session in sessions)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!session.IsFor(offload!.Work) || !TryRunOffloaded(session, cancellation))
            {
                own.Add(session);
            }
        }

        return [.. own];
    }

    /// <summary>False when the other processor failed and the emitted code is to take over; that session then stays with it.</summary>
    private bool TryRunOffloaded(Session session, CancellationToken cancellation)
    {
        lock (stepLock)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            try
            {
                session.RunOn(offloaded!, offload!.Work, cancellation);
                return true;
            }
            catch (OffloadException fault) when (offload!.FallBackToCpu)
            {
                OffloadFault = fault;
                session.StayHere();
                return false;
            }
        }
    }
}

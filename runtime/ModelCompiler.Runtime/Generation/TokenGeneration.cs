using System.Collections;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Runtime.Generation;

/// <summary>
/// Tokens that a model writes behind a prompt, each chosen when it is asked for. Enumerating again begins again (in a session: where
/// the session then stands).
/// </summary>
public sealed class TokenGeneration : IEnumerable<int>
{
    private readonly SessionLease lease;
    private readonly int[] prompt;
    private readonly GenerationOptions options;
    private readonly CancellationToken cancellation;
    private TokenSource? source;

    internal TokenGeneration(SessionLease lease, int[] prompt, GenerationOptions? options, CancellationToken cancellation)
    {
        if (prompt.Length == 0)
        {
            throw new ArgumentException("Found a prompt without tokens, expected at least one.", nameof(prompt));
        }

        this.lease = lease;
        this.prompt = prompt;
        this.options = options ?? new GenerationOptions();
        this.cancellation = cancellation;
        this.options.Validate(lease.Model.Description.Vocab);
    }

    /// <summary>How the latest enumeration stands, or ended.</summary>
    /// <exception cref="InvalidOperationException">There was none.</exception>
    public GenerationResult Result => source?.Result ?? throw new InvalidOperationException("Enumerate the generation first: its tokens are chosen when they are asked for.");

    /// <inheritdoc/>
    public IEnumerator<int> GetEnumerator()
    {
        Session session = lease.Take();
        try
        {
            TokenSource tokens = new(session, prompt, options);
            source = tokens;
            while (tokens.MoveNext(cancellation))
            {
                yield return tokens.Current;
            }
        }
        finally
        {
            lease.Return(session);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>Where a generation gets its session: the caller's, or one of its own for each enumeration.</summary>
internal readonly record struct SessionLease(CompiledModel Model, Session? Given)
{
    public Session Take() => Given ?? Model.CreateSession();

    public void Return(Session session)
    {
        if (Given is null)
        {
            session.Dispose();
        }
    }
}

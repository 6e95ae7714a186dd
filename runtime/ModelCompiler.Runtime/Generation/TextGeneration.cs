using System.Collections;
using System.Runtime.CompilerServices;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Runtime.Generation;

/// <summary>
/// Text that a model writes behind a prompt, piece by piece, each made when it is asked for. Pieces are whole characters, never empty.
/// Enumerating again begins again (in a session: where the session then stands).
/// </summary>
public sealed class TextGeneration : IEnumerable<string>
{
    private readonly SessionLease lease;
    private readonly ITextCodec codec;
    private readonly int[] prompt;
    private readonly GenerationOptions options;
    private readonly CancellationToken cancellation;
    private TokenSource? source;

    internal TextGeneration(SessionLease lease, ITextCodec codec, int[] prompt, GenerationOptions? options, CancellationToken cancellation)
    {
        this.lease = lease;
        this.codec = codec;
        this.prompt = prompt;
        this.options = options ?? new GenerationOptions();
        this.cancellation = cancellation;
        this.options.Validate(lease.Model.Description.Vocab);
    }

    /// <summary>How the latest enumeration stands, or ended.</summary>
    /// <exception cref="InvalidOperationException">There was none.</exception>
    public GenerationResult Result => source?.Result ?? throw new InvalidOperationException("Enumerate the generation first: its text is made when it is asked for.");

    /// <inheritdoc/>
    public IEnumerator<string> GetEnumerator() => Pieces(cancellation).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The same pieces, each made on a thread of the pool.</summary>
    public async IAsyncEnumerable<string> StreamAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using CancellationTokenSource linked = CancellationTokenSource.CreateLinkedTokenSource(this.cancellation, cancellation);
        using IEnumerator<string> pieces = Pieces(linked.Token).GetEnumerator();
        while (await Task.Run(pieces.MoveNext, CancellationToken.None).ConfigureAwait(false))
        {
            yield return pieces.Current;
        }
    }

    private IEnumerable<string> Pieces(CancellationToken cancel)
    {
        Session session = lease.Take();
        try
        {
            TokenSource tokens = new(session, prompt, options);
            source = tokens;
            StopTextFilter filter = new(options.StopTexts);
            ITextStream decoder = BeginDecoding(session);
            while (!filter.Stopped && tokens.MoveNext(cancel))
            {
                string piece = filter.Append(decoder.Append(tokens.Current));
                if (filter.Stopped)
                {
                    tokens.Stop();
                }

                if (piece.Length > 0)
                {
                    yield return piece;
                }
            }

            string rest = filter.Append(decoder.Flush()) + filter.Flush();
            if (filter.Stopped)
            {
                tokens.Stop();
            }

            if (rest.Length > 0)
            {
                yield return rest;
            }
        }
        finally
        {
            lease.Return(session);
        }
    }

    /// <summary>What a token reads as depends on what stands before it (a leading space, the first half of a character): the decoder sees that too.</summary>
    private ITextStream BeginDecoding(Session session)
    {
        ITextStream decoder = codec.CreateDecoder();
        foreach (int token in session.Tokens)
        {
            decoder.Append(token);
        }

        foreach (int token in prompt)
        {
            decoder.Append(token);
        }

        return decoder;
    }
}

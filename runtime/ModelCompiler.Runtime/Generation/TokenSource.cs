using System.Diagnostics;
using ModelCompiler.Runtime.Sampling;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Runtime.Generation;

/// <summary>Token after token behind a prompt: reads, chooses, and knows when to stop.</summary>
internal sealed class TokenSource
{
    private readonly Session session;
    private readonly ModelDescription description;
    private readonly GenerationOptions options;
    private readonly Sampler sampler;
    private readonly LogProbabilities? logProbabilities;
    private readonly List<GeneratedToken> tokens = [];
    private readonly int[] prompt;
    private FinishReason reason;
    private TimeSpan promptTime;
    private TimeSpan decodeTime;

    public TokenSource(Session session, int[] prompt, GenerationOptions options)
    {
        this.session = session;
        this.prompt = prompt;
        this.options = options;
        description = session.Model.Description;
        sampler = new Sampler(options, description.Vocab);
        logProbabilities = options.LogProbabilities is { } top ? new LogProbabilities(top) : null;
    }

    /// <summary>The token that <see cref="MoveNext"/> found.</summary>
    public int Current => tokens[^1].Id;

    /// <summary>How it stands.</summary>
    public GenerationResult Result => new(reason, tokens, prompt.Length, sampler.Seed, promptTime, decodeTime);

    /// <summary>Chooses the next token; false when the generation has ended.</summary>
    public bool MoveNext(CancellationToken cancellation)
    {
        if (reason != FinishReason.Unfinished || EndsBeforeNext())
        {
            return false;
        }

        cancellation.ThrowIfCancellationRequested();
        long start = Stopwatch.GetTimestamp();
        bool first = tokens.Count == 0;
        ReadOnlySpan<float> logits = (first ? session.Forward(prompt, LogitsFor.Last, cancellation) : session.Forward([Current])).Last;
        if (first)
        {
            promptTime = Stopwatch.GetElapsedTime(start);
            start = Stopwatch.GetTimestamp();
        }

        int token = sampler.Next(logits, session.Tokens);
        bool ended = Ends(token);
        if (ended)
        {
            reason = FinishReason.EndToken;
        }
        else
        {
            tokens.Add(logProbabilities?.Describe(logits, token) ?? new GeneratedToken(token, null, []));
        }

        decodeTime += Stopwatch.GetElapsedTime(start);
        return !ended;
    }

    /// <summary>A stop text is complete.</summary>
    public void Stop() => reason = FinishReason.StopText;

    private bool EndsBeforeNext()
    {
        if (tokens.Count == 0)
        {
            return false;
        }

        reason = tokens.Count == options.MaxTokens ? FinishReason.MaxTokens
            : session.Room == 0 ? FinishReason.ContextEnd
            : FinishReason.Unfinished;
        return reason != FinishReason.Unfinished;
    }

    private bool Ends(int token) => (!options.IgnoreEndTokens && Contains(description.EndTokens, token)) || Contains(options.StopTokens, token);

    private static bool Contains(IReadOnlyList<int> list, int token)
    {
        for (int i = 0; i < list.Count; i++)
        {
            if (list[i] == token)
            {
                return true;
            }
        }

        return false;
    }
}

using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sampling;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Tool.Measurement;

/// <summary>
/// How well a model foretells a text: e to the mean of −ln p(token). Defined as llama.cpp's perplexity tool does it, so that its numbers can be laid beside
/// these: the text's tokens are cut into windows, each read into an empty context; in each, the last tokens are scored, which all have some context.
/// </summary>
/// <param name="Windows">Windows read.</param>
/// <param name="Scored">Tokens scored.</param>
/// <param name="MeanLoss">−ln p of a token.</param>
/// <param name="LossError">Standard error of that mean, as if tokens were independent of one another.</param>
internal sealed record Perplexity(int Windows, int Scored, double MeanLoss, double LossError)
{
    // Logits of a piece of the prompt: 64 MiB.
    private const int LogitsOfPiece = 16 << 20;

    /// <summary>The perplexity.</summary>
    public double Value => Math.Exp(MeanLoss);

    /// <summary>Its standard error.</summary>
    public double Error => Value * LossError;

    /// <summary>Measures. The first token of every window becomes the token that begins a text, when <paramref name="tokens"/> begin with it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokens">The text; at least a window.</param>
    /// <param name="cut">How it is cut.</param>
    /// <param name="report">Told after each window what was found so far.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="NotFiniteLogitsException">The model's logits are not numbers.</exception>
    public static Perplexity Measure(CompiledModel model, ReadOnlySpan<int> tokens, PerplexityWindows cut, Action<Perplexity> report, CancellationToken cancellation)
    {
        int begin = model.Description.BeginToken;
        bool marked = begin >= 0 && tokens[0] == begin;
        int[] window = new int[cut.Length];
        int windows = cut.Count(tokens.Length);
        Perplexity found = new(0, 0, double.NaN, double.NaN);
        double sum = 0;
        double sumOfSquares = 0;
        using Session session = model.CreateSession();
        for (int i = 0; i < windows; i++)
        {
            tokens.Slice(i * cut.Stride, cut.Length).CopyTo(window);
            window[0] = marked ? begin : window[0];
            session.Rewind(0);
            Score(session, window, cut.FirstScored, ref sum, ref sumOfSquares, cancellation);
            int scored = found.Scored + cut.Length - cut.FirstScored;
            double mean = sum / scored;
            double variance = Math.Max(0, (sumOfSquares / scored) - (mean * mean));
            found = new(i + 1, scored, mean, Math.Sqrt(variance / Math.Max(1, scored - 1)));
            report(found);
        }

        return found;
    }

    /// <summary>Adds −ln p of the window's tokens from <paramref name="first"/> on.</summary>
    private static void Score(Session session, ReadOnlySpan<int> window, int first, ref double sum, ref double sumOfSquares, CancellationToken cancellation)
    {
        // The logits of token i foretell token i + 1.
        if (first > 1)
        {
            session.Forward(window[..(first - 1)], LogitsFor.None, cancellation);
        }

        int last = window.Length - 1;
        int most = Math.Max(1, LogitsOfPiece / session.Logits.Vocab);
        for (int at = first - 1; at < last;)
        {
            int count = Math.Min(last - at, most);
            Logits logits = session.Forward(window.Slice(at, count), LogitsFor.All, cancellation);
            for (int row = 0; row < count; row++, at++)
            {
                double loss = Loss(logits[row], window[at + 1]);
                sum += loss;
                sumOfSquares += loss * loss;
            }
        }
    }

    /// <summary>−ln softmax(logits)[token], in double precision.</summary>
    internal static double Loss(ReadOnlySpan<float> logits, int token)
    {
        NotFiniteLogitsException.ThrowIfNot(logits);
        double largest = double.NegativeInfinity;
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        return Math.Log(sum) + largest - logits[token];
    }
}

namespace ModelCompiler.Runtime.Training;

/// <summary>The tokens of a text, in two streams: one to learn from, one that is only looked at to see how well the model does.</summary>
/// <param name="Training">Documents one after another, each with its end token.</param>
/// <param name="HeldOut">The same, of documents that the model never learns from; may be empty.</param>
public sealed record TokenData(ReadOnlyMemory<int> Training, ReadOnlyMemory<int> HeldOut)
{
    /// <summary>Holds out every n-th document, so that both parts are alike.</summary>
    /// <param name="documents">At least one.</param>
    /// <param name="every">Documents n − 1, 2n − 1, … are held out; 0: none is.</param>
    public static TokenData EveryNth(IEnumerable<ReadOnlyMemory<int>> documents, int every)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(every);
        List<int> training = [];
        List<int> heldOut = [];
        int number = 0;
        foreach (ReadOnlyMemory<int> document in documents)
        {
            number++;
            (every > 0 && number % every == 0 ? heldOut : training).AddRange(document.Span);
        }

        return new(training.ToArray(), heldOut.ToArray());
    }

    /// <summary>Holds out the end of the stream: what to do with one long text.</summary>
    /// <param name="tokens">The whole text.</param>
    /// <param name="fraction">How much of it, 0 to below 1.</param>
    public static TokenData Tail(ReadOnlyMemory<int> tokens, double fraction)
    {
        if (!(fraction is >= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, $"Found the fraction {fraction}, expected 0 to below 1.");
        }

        int kept = tokens.Length - (int)(tokens.Length * fraction);
        return new(tokens[..kept], tokens[kept..]);
    }
}

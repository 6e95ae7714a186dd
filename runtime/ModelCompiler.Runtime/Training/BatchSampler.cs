using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// Windows of a token stream, drawn at random. What is drawn is a function of the seed and of the number of the window alone, so that a run that is
/// taken up again gets the windows that it would have got, without any state.
/// </summary>
public sealed class BatchSampler
{
    private readonly ReadOnlyMemory<int> tokens;
    private readonly ulong seed;
    private readonly int length;

    /// <param name="tokens">The stream; at least length + 1 tokens.</param>
    /// <param name="seed">The same seed gives the same windows.</param>
    /// <param name="length">Tokens of a window; each has the token behind it as its target.</param>
    /// <exception cref="TextTooShortException">The stream has no window.</exception>
    public BatchSampler(ReadOnlyMemory<int> tokens, ulong seed, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        this.tokens = tokens;
        this.seed = seed;
        this.length = length;
        if (tokens.Length <= length)
        {
            throw new TextTooShortException(tokens.Length, length + 1);
        }
    }

    /// <summary>Windows that follow each other without overlap until every token but the first was a target once; the last may be short. For evaluation.</summary>
    public int Windows => (tokens.Length - 1 + length - 1) / length;

    /// <summary>Fills a batch with the windows that a micro-batch of a step has.</summary>
    /// <param name="batch">Its length is this sampler's.</param>
    /// <param name="microBatch">Number of the micro-batch since the beginning of training: step · micro-batches of a step + its place in the step.</param>
    public void Draw(TrainingBatch batch, long microBatch)
    {
        for (int i = 0; i < batch.Sequences; i++)
        {
            ulong random = SplitMix64.At(seed, (ulong)((microBatch * batch.Sequences) + i));
            // The high half of the product: every start is as likely as any other, to within 2^-32.
            int start = (int)Math.BigMul(random, (ulong)(tokens.Length - length), out _);
            Fill(batch, i, start);
        }
    }

    /// <summary>Fills a batch with windows number <paramref name="first"/> and following of <paramref name="count"/> that lie evenly over the stream. What is behind the last has no target.</summary>
    /// <param name="batch">Its length is this sampler's.</param>
    /// <param name="first">0 to count − 1.</param>
    /// <param name="count">1 to <see cref="Windows"/>.</param>
    public void Take(TrainingBatch batch, int first, int count)
    {
        for (int i = 0; i < batch.Sequences; i++)
        {
            Fill(batch, i, first + i < count ? (int)((long)(first + i) * Windows / count) * length : tokens.Length);
        }
    }

    private void Fill(TrainingBatch batch, int sequence, int start)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(batch.Length, length);
        int count = Math.Clamp(tokens.Length - 1 - start, 0, length);
        Span<int> inputs = batch.Tokens.Slice(sequence * length, length);
        Span<int> targets = batch.Targets.Slice(sequence * length, length);
        tokens.Span.Slice(Math.Min(start, tokens.Length), count).CopyTo(inputs);
        tokens.Span.Slice(Math.Min(start + 1, tokens.Length), count).CopyTo(targets);
        inputs[count..].Clear();
        targets[count..].Fill(TrainingBatch.NoTarget);
    }
}

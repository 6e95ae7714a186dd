using System.Diagnostics;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Tool.Measurement;

/// <summary>Tokens per second over several repeats.</summary>
internal sealed record Speed(int Tokens, double Median, double Slowest, double Fastest)
{
    /// <summary>From the time that each repeat took.</summary>
    public static Speed Of(int tokens, IEnumerable<TimeSpan> times)
    {
        double[] rates = [.. times.Select(time => tokens / time.TotalSeconds).Order()];
        double median = (rates[(rates.Length - 1) / 2] + rates[rates.Length / 2]) / 2;
        return new(tokens, median, rates[0], rates[^1]);
    }
}

/// <summary>How fast a model reads a prompt and writes behind it.</summary>
/// <param name="Prompt">A prompt in one call, logits of its last token.</param>
/// <param name="Decode">One token after another behind that prompt, each the most likely one.</param>
/// <param name="PromptFlopsPerSecond">Multiplications and additions of the layers' matrices; attention and the head are not counted.</param>
/// <param name="DecodeBytesPerSecond">Weight bytes read; the cache of keys and values is not counted.</param>
internal sealed record ModelSpeed(Speed Prompt, Speed Decode, double PromptFlopsPerSecond, double DecodeBytesPerSecond)
{
    /// <summary>Warms up once, then measures. Lengths are cut to what the context holds.</summary>
    public static ModelSpeed Measure(CompiledModel model, int promptLength, int decodeLength, int repeats, CancellationToken cancellation)
    {
        int context = model.Description.ContextLength;
        decodeLength = Math.Clamp(decodeLength, 1, Math.Max(1, context / 2));
        promptLength = Math.Clamp(promptLength, 1, context - decodeLength);

        // Any tokens do: the time does not depend on which they are.
        int[] prompt = [.. Enumerable.Range(0, promptLength).Select(i => (int)((uint)i * 2654435761u % (uint)model.Description.Vocab))];
        TimeSpan[] promptTimes = new TimeSpan[repeats + 1];
        TimeSpan[] decodeTimes = new TimeSpan[repeats + 1];
        for (int i = 0; i <= repeats; i++)
        {
            using Session session = model.CreateSession();
            long begun = Stopwatch.GetTimestamp();
            session.Forward(prompt, LogitsFor.Last, cancellation);
            promptTimes[i] = Stopwatch.GetElapsedTime(begun);

            begun = Stopwatch.GetTimestamp();
            for (int token = 0; token < decodeLength; token++)
            {
                session.Forward([ArgMax(session.Logits.Last)], LogitsFor.Last, cancellation);
            }

            decodeTimes[i] = Stopwatch.GetElapsedTime(begun);
        }

        Speed reading = Speed.Of(promptLength, promptTimes.Skip(1));
        Speed writing = Speed.Of(decodeLength, decodeTimes.Skip(1));
        return new(reading, writing, reading.Median * LayerFlopsPerToken(model.Description), writing.Median * model.Description.BytesPerToken);
    }

    private static double LayerFlopsPerToken(ModelDescription description)
    {
        const int Side = 16;
        double bytesPerWeight = WeightFormat.Find(description.Format)!.PanelBytes(Side, Side) / (double)(Side * Side);
        double head = (double)description.Dim * description.VocabStride;
        return 2 * ((description.BytesPerToken / bytesPerWeight) - head);
    }

    private static int ArgMax(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best])
            {
                best = i;
            }
        }

        return best;
    }
}

using System.Diagnostics;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Tool.Measurement;

/// <summary>
/// How fast a model reads a prompt, and how fast it decodes. Both begin at the same position, <see cref="Workload.Depth"/>, as other
/// engines' bench tools have it, and neither counts sampling.
/// </summary>
/// <param name="Prompt">A prompt in one call, logits of its last token; null: not measured.</param>
/// <param name="Decode">One token after another, with logits; the tokens of all sequences together; null: not measured.</param>
/// <param name="Steps">Decoding steps per second: passes over the weights.</param>
/// <param name="CacheBytes">Keys and values of all sequences where each has read most.</param>
internal sealed record ModelSpeed(Speed? Prompt, Speed? Decode, double Steps, long CacheBytes)
{
    /// <summary>Of a repeat.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(200);

    /// <summary>Warms up once, then measures; prompt and decode in turns, so that a slow second of the machine meets both.</summary>
    /// <param name="model">The model.</param>
    /// <param name="work">Lengths that fit its context.</param>
    /// <param name="afterEach">Called after the warming up and after each repeat, outside the time.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    public static ModelSpeed Measure(CompiledModel model, Workload work, Action afterEach, CancellationToken cancellation)
    {
        Run run = new(model, work, cancellation);
        try
        {
            TimeSpan[] promptTimes = new TimeSpan[work.Repeats + 1];
            TimeSpan[] decodeTimes = new TimeSpan[work.Repeats + 1];
            for (int i = 0; i <= work.Repeats; i++)
            {
                promptTimes[i] = Repeat(run.Prompt);
                decodeTimes[i] = Repeat(run.Decode);
                afterEach();
            }

            Speed? prompt = work.PromptLength > 0 ? Speed.Of(work.PromptLength, promptTimes.Skip(1)) : null;
            Speed? decode = work.GenLength > 0 ? Speed.Of(work.GenLength * work.Batch, decodeTimes.Skip(1)) : null;
            return new(prompt, decode, (decode?.Median ?? 0) / work.Batch, run.CacheBytes);
        }
        finally
        {
            run.End();
        }
    }

    /// <summary>
    /// The time of a pass. One that is short is not counted: it finds the caches as something else left them. In its stead passes that follow it at once
    /// are, until they fill <see cref="Least"/>: their mean.
    /// </summary>
    private static TimeSpan Repeat(Func<TimeSpan> pass)
    {
        TimeSpan first = pass();
        if (first >= Least || first == default)
        {
            return first;
        }

        TimeSpan sum = default;
        int passes = 0;
        for (; sum < Least; passes++)
        {
            sum += pass();
        }

        return sum / passes;
    }

    /// <summary>The sequences, all of them standing at the same position between two measurements.</summary>
    private sealed class Run
    {
        private readonly CompiledModel model;
        private readonly Workload work;
        private readonly CancellationToken cancellation;
        private readonly List<Session> sessions = [];
        private readonly SessionTokens[] inputs;
        private readonly int[] next;

        public Run(CompiledModel model, Workload work, CancellationToken cancellation)
        {
            this.model = model;
            this.work = work;
            this.cancellation = cancellation;
            sessions.Add(model.CreateSession());
            if (work.Depth > 0)
            {
                sessions[0].Forward(AnyTokens(work.Depth), LogitsFor.None, cancellation);
            }

            while (sessions.Count < work.Batch)
            {
                sessions.Add(sessions[0].Fork());
            }

            next = new int[work.Batch];
            inputs = [.. sessions.Select((session, i) => new SessionTokens(session, next.AsMemory(i, 1)))];
        }

        public long CacheBytes { get; private set; }

        public TimeSpan Prompt()
        {
            if (work.PromptLength == 0)
            {
                return default;
            }

            int[] prompt = AnyTokens(work.PromptLength);
            long begun = Stopwatch.GetTimestamp();
            sessions[0].Forward(prompt, LogitsFor.Last, cancellation);
            TimeSpan time = Stopwatch.GetElapsedTime(begun);
            Return();
            return time;
        }

        public TimeSpan Decode()
        {
            if (work.GenLength == 0)
            {
                return default;
            }

            int[] tokens = AnyTokens(work.GenLength);
            long begun = Stopwatch.GetTimestamp();
            foreach (int token in tokens)
            {
                Array.Fill(next, token);
                if (inputs.Length == 1)
                {
                    sessions[0].Forward(next, LogitsFor.Last, cancellation);
                }
                else
                {
                    model.Forward(inputs, cancellation);
                }
            }

            TimeSpan time = Stopwatch.GetElapsedTime(begun);
            Return();
            return time;
        }

        public void End() => sessions.ForEach(session => session.Dispose());

        private void Return()
        {
            CacheBytes = Math.Max(CacheBytes, sessions.Sum(session => session.CacheBytes));
            sessions.ForEach(session => session.Rewind(work.Depth));
        }

        /// <summary>Any tokens do: the time does not depend on which they are.</summary>
        private int[] AnyTokens(int count)
            => [.. Enumerable.Range(0, count).Select(i => (int)((uint)i * 2654435761u % (uint)model.Description.Vocab))];
    }
}

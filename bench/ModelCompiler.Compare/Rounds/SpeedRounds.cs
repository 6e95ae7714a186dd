using ModelCompiler.Compare.Engines;
using ModelCompiler.Compare.Inputs;
using ModelCompiler.Compare.Results;

namespace ModelCompiler.Compare.Rounds;

/// <summary>
/// Rounds of speed. Within a round the engines follow one another at once, so that the memory of a shared machine, which swings by a quarter within a
/// minute, meets them alike; every other round runs in the opposite order. Rounds of one pair are spread over the whole time.
/// </summary>
/// <param name="engines">Ours first.</param>
/// <param name="tell">Told what is being done.</param>
internal sealed class SpeedRounds(IReadOnlyList<IEngine> engines, Action<string> tell)
{
    /// <summary>Finds everything that is missing before anything is measured.</summary>
    public void Prepare(IEnumerable<SpeedPair> pairs, CancellationToken cancellation)
    {
        // Files are looked for first, models compiled last.
        foreach (IEngine engine in engines.Reverse())
        {
            foreach (SpeedPair pair in pairs.Where(pair => engine.FormatOf(pair) is not null))
            {
                tell($"{pair.Key}: preparing {engine.Name}");
                engine.Prepare(pair, cancellation);
            }
        }
    }

    /// <summary>One more round for each pair.</summary>
    /// <param name="pairs">With their results so far, which grow.</param>
    /// <param name="cancellation">Ends the program that is running; the round that it is in is lost.</param>
    public void Run(IEnumerable<SpeedResult> pairs, CancellationToken cancellation)
    {
        foreach (SpeedResult result in pairs)
        {
            result.Rounds.Add(RunOne(result, [.. engines.Where(engine => engine.FormatOf(result.Pair) is not null)], cancellation));
        }
    }

    private SpeedRound RunOne(SpeedResult result, IEngine[] taking, CancellationToken cancellation)
    {
        SpeedPair pair = result.Pair;
        // The first round begins with ours, which says what of the lengths the model's context holds.
        Lengths lengths = result.Rounds.Count > 0
            ? result.Rounds[0].ByEngine[ModelcEngine.EngineName].Machine!.Lengths
            : new(pair.Prompt, pair.Gen, pair.Depth);
        DateTimeOffset at = DateTimeOffset.UtcNow;
        Dictionary<string, Measured> found = [];
        foreach (IEngine engine in result.Rounds.Count % 2 == 0 ? taking : taking.Reverse())
        {
            tell($"{pair.Key}, round {result.Rounds.Count + 1}: {engine.Name}");
            Measured measured = engine.Measure(pair, lengths, cancellation);
            lengths = measured.Machine?.Lengths ?? lengths;
            found.Add(engine.Name, measured);
        }

        return new(at, found);
    }
}

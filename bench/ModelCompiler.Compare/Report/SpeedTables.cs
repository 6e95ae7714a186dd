using System.Globalization;
using ModelCompiler.Compare.Engines;
using ModelCompiler.Compare.Inputs;
using ModelCompiler.Compare.Results;

namespace ModelCompiler.Compare.Report;

/// <summary>Speed and memory of every pair, ours beside each other engine's.</summary>
/// <param name="engines">Ours first.</param>
internal sealed class SpeedTables(IReadOnlyList<IEngine> engines)
{
    /// <summary>Marks where ours is slower, or takes more.</summary>
    public const string Loss = "▼";

    private const string Ours = ModelcEngine.EngineName;

    /// <summary>Prompt and decode, a row each.</summary>
    public ReportTable Speed(IEnumerable<SpeedResult> results)
    {
        List<string[]> rows = [];
        foreach (SpeedResult result in results.Where(result => result.Rounds.Count > 0))
        {
            Lengths lengths = MachineOf(result.Rounds[0]).Lengths;
            string behind = lengths.Depth == 0 ? "" : $" behind {lengths.Depth}";
            Add(rows, result, $"prompt {lengths.Prompt}{behind}", measured => measured.PromptTokensPerSecond, (_, machine) => (machine.FlopsPerToken, machine.FlopsPerSecond, "GFLOP/s", ""));
            Add(
                rows, result, $"decode {lengths.Gen}{behind}", measured => measured.DecodeTokensPerSecond,
                (measured, machine) => (measured.ReadBytesPerToken + (machine.CacheNumbersPerToken * measured.CacheBytesPerNumber), machine.ReadBytesPerSecond, "GB/s", machine.ReadsCache ? " of cache" : ""));
        }

        return new(
            "Speed",
            ["model", "weights", "what", "tokens/s", "rate", "of peak", .. engines.Skip(1).SelectMany(engine => (string[])[engine.Name, "its tokens/s", "its rate", "ratio", "ratios of the rounds"])],
            rows);
    }

    /// <summary>The most that each process held.</summary>
    public ReportTable Memory(IEnumerable<SpeedResult> results) => new(
        "Memory, MB",
        ["model", "weights", "context", "peak", "packed weights", "keys and values", "all else", .. engines.Skip(1).SelectMany(engine => (string[])[engine.Name, "its peak", "its file", "its cache and all else"])],
        [.. results.Where(result => result.Rounds.Count > 0).Select(MemoryRow)]);

    /// <summary>From start to first token.</summary>
    public static ReportTable Starts(IEnumerable<StartResult> results) => new(
        "Start of the process to the first token, ms",
        ["model", "median", "fastest–slowest", "peak MB", "their median", "fastest–slowest", "peak MB", "times faster"],
        [.. results.Select(result =>
        {
            double ours = Statistics.Median(result.OurSeconds);
            double theirs = Statistics.Median(result.TheirSeconds);
            return (string[])
            [
                result.Pair.Name, Show($"{1e3 * ours:F1}"), Spread(result.OurSeconds), Megabytes(result.OurResidentBytes),
                Show($"{1e3 * theirs:F1}"), Spread(result.TheirSeconds), Megabytes(result.TheirResidentBytes), Ratio(theirs / ours),
            ];
        })]);

    private void Add(
        List<string[]> rows, SpeedResult result, string what, Func<Measured, double?> speed, Func<Measured, MachineShare, (double PerToken, double Peak, string Unit, string Note)> cost)
    {
        if (speed(result.Rounds[0].ByEngine[Ours]) is null)
        {
            return;
        }

        string unit = cost(result.Rounds[0].ByEngine[Ours], MachineOf(result.Rounds[0])).Unit;
        string note = cost(result.Rounds[0].ByEngine[Ours], MachineOf(result.Rounds[0])).Note;
        double share = Statistics.Median(result.Rounds.Select(round => Rate(round, Ours) / cost(round.ByEngine[Ours], MachineOf(round)).Peak));
        List<string> row =
        [
            result.Pair.Name, engines[0].FormatOf(result.Pair)!, what, Tokens(Median(Ours)), Show($"{Statistics.Median(result.Rounds.Select(round => Rate(round, Ours))) / 1e9:F1} {unit}"),
            Show($"{100 * share:F0} %{note}"),
        ];
        foreach (IEngine engine in engines.Skip(1))
        {
            double[] ratios = [.. result.Rounds.Where(round => round.ByEngine.ContainsKey(engine.Name)).Select(round => Speed(round, Ours) / Speed(round, engine.Name))];
            row.AddRange(ratios.Length == 0 || ratios.Any(double.IsNaN)
                ? ["—", "—", "—", "—", "—"]
                :
                [
                    engine.FormatOf(result.Pair)!, Tokens(Median(engine.Name)), Show($"{Statistics.Median(result.Rounds.Select(round => Rate(round, engine.Name))) / 1e9:F1} {unit}"),
                    Ratio(Statistics.Median(ratios)), Show($"{ratios.Min():F2}–{ratios.Max():F2}"),
                ]);
        }

        rows.Add([.. row]);

        double Speed(SpeedRound round, string engine) => speed(round.ByEngine[engine]) ?? double.NaN;
        double Median(string engine) => Statistics.Median(result.Rounds.Select(round => Speed(round, engine)));
        double Rate(SpeedRound round, string engine) => Speed(round, engine) * cost(round.ByEngine[engine], MachineOf(round)).PerToken;
    }

    private string[] MemoryRow(SpeedResult result)
    {
        Measured ours = result.Rounds[^1].ByEngine[Ours];
        MachineShare machine = ours.Machine!;
        List<string> row =
        [
            result.Pair.Name, engines[0].FormatOf(result.Pair)!, Show($"{machine.Lengths.Depth + Math.Max(machine.Lengths.Prompt, machine.Lengths.Gen)}"), Megabytes(ours.ResidentBytes),
            Megabytes(ours.WeightsBytes), Megabytes(machine.CacheBytes), Rest(ours.ResidentBytes, ours.WeightsBytes + machine.CacheBytes),
        ];
        foreach (IEngine engine in engines.Skip(1))
        {
            row.AddRange(result.Rounds[^1].ByEngine.TryGetValue(engine.Name, out Measured? theirs)
                ? [engine.FormatOf(result.Pair)!, Megabytes(theirs.ResidentBytes), Megabytes(theirs.WeightsBytes), Rest(theirs.ResidentBytes, theirs.WeightsBytes)]
                : ["—", "—", "—", "—"]);
        }

        return [.. row];
    }

    private static MachineShare MachineOf(SpeedRound round) => round.ByEngine[Ours].Machine!;

    private static string Spread(List<double> seconds) => Show($"{1e3 * seconds.Min():F1}–{1e3 * seconds.Max():F1}");

    private static string Rest(long all, long known) => all == 0 ? "—" : Megabytes(Math.Max(1, all - known));

    private static string Megabytes(long bytes) => bytes == 0 ? "—" : Show($"{bytes / 1e6:N0}");

    private static string Tokens(double speed) => speed < 100 ? Show($"{speed:F1}") : Show($"{speed:N0}");

    private static string Ratio(double ratio) => Show($"{ratio:F2}×") + (ratio < 1 ? " " + Loss : "");

    private static string Show(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace ModelCompiler.Benchmarks.Peaks;

/// <summary>A column made from a case's time and its <see cref="PeakFacts"/>.</summary>
internal sealed class PeakColumn(string name, string legend, Func<PeakFacts, double, string> show) : IColumn
{
    /// <summary>GFLOP/s or GB/s.</summary>
    public static PeakColumn Rate { get; } = new("Rate", "Work of a run ÷ its mean time", (facts, seconds) => Show($"{facts.Work / seconds / 1e9:F1} {facts.Unit}"));

    /// <summary>What the machine can do.</summary>
    public static PeakColumn Peak { get; } = new("Peak", "The same of the machine, measured right after", (facts, _) => Show($"{facts.PeakPerSecond / 1e9:F1}{(facts.OfCache ? " (cache)" : "")}"));

    /// <summary>The one of the other.</summary>
    public static PeakColumn Share { get; } = new("Of peak", "Rate ÷ Peak", (facts, seconds) => Show($"{100 * facts.Work / seconds / facts.PeakPerSecond:F0} %"));

    /// <inheritdoc/>
    public string Id => $"{nameof(PeakColumn)}.{ColumnName}";

    /// <inheritdoc/>
    public string ColumnName => name;

    /// <inheritdoc/>
    public bool AlwaysShow => true;

    /// <inheritdoc/>
    public ColumnCategory Category => ColumnCategory.Custom;

    /// <inheritdoc/>
    public int PriorityInCategory => 0;

    /// <inheritdoc/>
    public bool IsNumeric => true;

    /// <inheritdoc/>
    public UnitType UnitType => UnitType.Dimensionless;

    /// <inheritdoc/>
    public string Legend => legend;

    /// <inheritdoc/>
    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
        => summary[benchmarkCase]?.ResultStatistics is { } statistics && PeakFacts.Find(benchmarkCase) is { } facts ? show(facts, statistics.Mean / 1e9) : "—";

    /// <inheritdoc/>
    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);

    /// <inheritdoc/>
    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    /// <inheritdoc/>
    public bool IsAvailable(Summary summary) => true;

    private static string Show(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

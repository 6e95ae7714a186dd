using System.Globalization;
using System.Text;
using ModelCompiler.Compare.Engines;
using ModelCompiler.Compare.Results;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Tool.Commands;
using Spectre.Console;

namespace ModelCompiler.Compare.Report;

/// <summary>A comparison as people read it: on a terminal, or as Markdown.</summary>
internal sealed class ComparisonReport
{
    private readonly Comparison comparison;
    private readonly ReportTable[] tables;

    /// <summary>Of everything that was measured so far.</summary>
    public ComparisonReport(Comparison comparison, IReadOnlyList<IEngine> engines)
    {
        this.comparison = comparison;
        SpeedTables speed = new(engines);
        tables = [.. new[] { speed.Speed(comparison.Speeds), speed.Memory(comparison.Speeds), SpeedTables.Starts(comparison.Starts) }.Where(table => table.Rows.Count > 0)];
    }

    /// <summary>To standard output.</summary>
    public void Print()
    {
        foreach (ReportTable report in tables)
        {
            Table table = new() { Border = TableBorder.Minimal, Title = new TableTitle(report.Title) };
            Array.ForEach(report.Columns, column => table.AddColumn(new TableColumn(column) { NoWrap = true }));
            report.Rows.ForEach(row => table.AddRow([.. row.Select(cell => new Text(cell))]));
            Output.Write(table);
        }

        foreach (string note in Notes())
        {
            Console.WriteLine(note);
        }
    }

    /// <summary>To a file, which appears whole.</summary>
    public void WriteMarkdown(string path)
    {
        StringBuilder text = new();
        foreach (ReportTable table in tables)
        {
            text.Append($"## {table.Title}\n\n| {string.Join(" | ", table.Columns)} |\n|{string.Concat(table.Columns.Select((_, i) => i < 3 ? " --- |" : " ---: |"))}\n");
            string[] before = [];
            foreach (string[] row in table.Rows)
            {
                text.Append($"| {string.Join(" | ", row.Select((cell, i) => Escape(IsRepeated(row, before, i) ? "" : cell)))} |\n");
                before = row;
            }

            text.Append('\n');
        }

        foreach (string note in Notes())
        {
            text.Append($"- {Escape(note)}\n");
        }

        WholeFile.Write(path, text.ToString(), followLinks: true);
    }

    /// <summary>A name, and what hangs on it, is written once above its rows.</summary>
    private static bool IsRepeated(string[] row, string[] before, int column)
        => column < 2 && before.Length > 0 && row.Take(column + 1).SequenceEqual(before.Take(column + 1));

    private static string Escape(string text) => text.Replace("|", "\\|").Replace("<", "&lt;");

    private IEnumerable<string> Notes()
    {
        DateTimeOffset[] times = [.. comparison.Speeds.SelectMany(result => result.Rounds).Select(round => round.At).Append(comparison.Begun).Order()];
        yield return string.Create(CultureInfo.InvariantCulture, $"{comparison.Machine}; {comparison.Threads} threads; {times[0]:yyyy-MM-dd HH:mm} to {times[^1]:yyyy-MM-dd HH:mm} UTC.");
        foreach (IGrouping<string, Measured> engine in comparison.Speeds.SelectMany(result => result.Rounds).SelectMany(round => round.ByEngine)
            .GroupBy(entry => entry.Key, entry => entry.Value))
        {
            yield return $"{engine.Key} {string.Join("; ", engine.Select(measured => measured.Version).Distinct())}. For example: {engine.First().Command}";
        }

        if (comparison.Speeds.Count > 0)
        {
            int[] rounds = [.. comparison.Speeds.Select(result => result.Rounds.Count).Where(count => count > 0).Distinct().Order()];
            yield return $"Medians over {string.Join(" to ", new[] { rounds[0], rounds[^1] }.Distinct())} rounds, each the median of its repeats; within a round the engines follow one another at once, in alternating order. "
                + $"ratio: ours ÷ theirs, the median of the rounds' ratios (a round meets one mood of the memory, the medians beside it may not); {SpeedTables.Loss}: a loss. of peak: of fused multiply-adds from registers (prompt) or of reads (decode), measured between the repeats of the same run. "
                + "rate: multiplications and additions of the matrices and of attention to what is seen (prompt), bytes of weights, keys and values read (decode; theirs: of all of its tensors). Above 100 %: the last-level cache keeps a part of the weights.";
        }

        yield return $"Command: {comparison.Command}";
    }
}

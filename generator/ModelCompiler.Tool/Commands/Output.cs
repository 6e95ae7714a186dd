using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ModelCompiler.Tool.Commands;

/// <summary>How results reach standard output.</summary>
internal static class Output
{
    // A program that reads us must not have its lines wrapped, however long a name is.
    private const int UnwrappedColumns = 1 << 20;

    /// <summary>Indented, and with text as it is rather than as escapes.</summary>
    public static JsonSerializerOptions Json { get; } = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A table of rows: what each is about, which goes on in the next line where the terminal is narrow, then numbers, which stay whole.</summary>
    public static Table Table(string[] headings, IEnumerable<string[]> rows)
    {
        Table table = new() { Border = TableBorder.Minimal };
        for (int i = 0; i < headings.Length; i++)
        {
            table.AddColumn(new TableColumn(new Text(headings[i])) { Alignment = i == 0 ? Justify.Left : Justify.Right, NoWrap = i > 0 });
        }

        foreach (string[] row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        return table;
    }

    /// <summary>Facts, one to a line: what would be a table of one long row.</summary>
    public static Grid List(params (string What, string Found)[] facts)
    {
        Grid grid = new Grid().AddColumn(new GridColumn { NoWrap = true, Padding = new(2, 0, 2, 0) }).AddColumn();
        foreach ((string what, string found) in facts)
        {
            grid.AddRow(new Text(what), new Text(found));
        }

        return grid;
    }

    /// <summary>A table or a list, in full width where nobody watches.</summary>
    public static void Write(IRenderable table)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = UnwrappedColumns;
        }

        console.Write(table);
    }

    /// <summary>A line on standard error. Where that takes none, there is nobody to tell: the work goes on, and the exit code says how it went.</summary>
    public static void Tell(string line)
    {
        try
        {
            Console.Error.WriteLine(line);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
        }
    }

    /// <summary>A number of bytes to be read by people.</summary>
    public static string Bytes(long bytes) => bytes >= 1_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F2} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:F2} kB");
}

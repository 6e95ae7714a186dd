using System.Globalization;
using LookInside.Observation;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace LookInside.Terminal;

/// <summary>The report as text: tables, bars and heat maps, in colour where the terminal has them.</summary>
internal sealed class TerminalReport
{
    private const int RedirectedColumns = 160;
    private const int ShownNumbers = 8;
    private const int ShownNeighbours = 3;

    private readonly Look look;
    private readonly IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });

    public TerminalReport(Look look)
    {
        this.look = look;
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = RedirectedColumns;
        }
    }

    /// <summary>Writes all of it.</summary>
    public void Write()
    {
        console.WriteLine(look.Model);
        if (look.Partings.Count > 0)
        {
            console.WriteLine($"At the end: {string.Join(", ", look.Partings.Select(parting => parting.Token.Text))} in two places, one vector that becomes two layer by layer.");
        }

        for (int i = 0; i < look.Texts.Count; i++)
        {
            TextLook text = look.Texts[i];
            Title($"Text {i + 1}: {text.Text}");
            WriteVectors(text);
            new AttentionMaps(console, text).Write();
            WriteSaid(text);
            WriteNext(text);
        }

        foreach (Parting parting in look.Partings)
        {
            WriteParting(parting);
        }

        if (look.MorePartings > 0)
        {
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{look.MorePartings} other tokens stand in two places."));
        }
    }

    private void WriteVectors(TextLook text)
    {
        Heading("Tokens and their vectors (as layer 0 reads them)");
        Table table = NewTable("token", "id", "length", string.Create(CultureInfo.InvariantCulture, $"the first {ShownNumbers} of {text.Trace.State(0, 0).Length} numbers"));
        for (int token = 0; token < text.Tokens.Count; token++)
        {
            float[] numbers = text.Trace.State(0, token).ToArray();
            double largest = numbers.Max(Math.Abs);
            Grid grid = new();
            for (int i = 0; i < Math.Min(ShownNumbers, numbers.Length); i++)
            {
                grid.AddColumn(new GridColumn { Padding = new Padding(0, 0, 1, 0), NoWrap = true });
            }

            grid.AddRow([.. numbers.Take(ShownNumbers).Select(number => (IRenderable)Cells.Signed(number, largest))]);
            table.AddRow(new Text(text.Tokens[token].Text), Number(text.Tokens[token].Id, "0"), Number(text.Norm(0, token), "0.00"), grid);
        }

        console.Write(table);
    }

    private void WriteSaid(TextLook text)
    {
        Heading("What would follow each token if the model ended behind that many layers");
        Table table = NewTable(["token", .. Enumerable.Range(0, text.Said.Length).Select(layers => layers.ToString(CultureInfo.InvariantCulture))]);
        for (int token = 0; token < text.Tokens.Count; token++)
        {
            table.AddRow([new Text(text.Tokens[token].Text), .. text.Said.Select(said => new Text(Say(said[token][0])))]);
        }

        console.Write(table);
    }

    private void WriteNext(TextLook text)
    {
        Heading("What comes next");
        Table table = NewTable("token", "%", "");
        foreach (Candidate candidate in text.Next)
        {
            table.AddRow(new Text(candidate.Text), Number(100 * candidate.Probability, "0.0"), Cells.Bar(candidate.Probability));
        }

        console.Write(table);
    }

    private void WriteParting(Parting parting)
    {
        Title($"{parting.Token.Text} in two places: {Place(parting.First)} and {Place(parting.Second)}");
        Table table = NewTable("", "cosine", "distance", "nearest tokens, first place", "second place", "would say, first place", "second place");
        foreach (PartingStep step in parting.Steps)
        {
            table.AddRow(
                new Text(step.Where), Number(step.Cosine, "0.000"), Cells.Bar(Math.Min(1, 1 - step.Cosine), 10),
                new Text(Near(step.NearFirst.Take(ShownNeighbours))), new Text(Near(step.NearSecond.Take(ShownNeighbours))),
                new Text(string.Join("  ", step.SaidFirst.Take(ShownNeighbours).Select(Say))), new Text(string.Join("  ", step.SaidSecond.Take(ShownNeighbours).Select(Say))));
        }

        console.Write(table);
    }

    private string Place(Occurrence place) => string.Create(CultureInfo.InvariantCulture, $"text {place.Text + 1}, token {place.Token}");

    private static string Near(IEnumerable<NearToken> near) => string.Join("  ", near.Select(token => string.Create(CultureInfo.InvariantCulture, $"{token.Text} {token.Cosine:0.00}")));

    private static string Say(Candidate candidate) => $"{candidate.Text} {Cells.Percent(candidate.Probability)}";

    private static Text Number(double value, string format) => new Text(value.ToString(format, CultureInfo.InvariantCulture)).RightJustified();

    private static Table NewTable(params string[] columns)
    {
        Table table = new() { Border = TableBorder.Simple };
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Dim))));
        }

        return table;
    }

    private void Title(string text)
    {
        console.WriteLine();
        console.Write(new Rule(Markup.Escape(text)) { Justification = Justify.Left, Style = new Style(new Color(250, 190, 60)) });
    }

    private void Heading(string text)
    {
        console.WriteLine();
        console.Write(new Text(text + "\n", new Style(decoration: Decoration.Bold)));
    }
}

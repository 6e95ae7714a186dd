using System.Globalization;
using LookInside.Observation;
using ModelCompiler.Runtime.Tracing;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace LookInside.Terminal;

/// <summary>Who attends to whom, in percent: a row for each token, a column for each token that it can see. A long text has no room for that: the most attended instead.</summary>
internal sealed class AttentionMaps(IAnsiConsole console, TextLook text)
{
    private const int MostTokens = 20;
    private const int CellColumns = 4;
    private const int LabelColumns = 10;
    private const int MostAttended = 3;

    private readonly ForwardTrace trace = text.Trace;

    public void Write()
    {
        console.WriteLine();
        console.Write(new Text("Who attends to whom, in percent\n", new Style(decoration: Decoration.Bold)));
        for (int layer = 0; layer < trace.Layers; layer++)
        {
            if (text.Tokens.Count > MostTokens)
            {
                WriteMostAttended(layer);
            }
            else
            {
                WriteMaps(layer);
            }
        }
    }

    private void WriteMaps(int layer)
    {
        int together = Math.Max(1, console.Profile.Width / (LabelColumns + (CellColumns * text.Tokens.Count)));
        foreach (int[] heads in Enumerable.Range(0, trace.Heads).Chunk(together))
        {
            Grid row = new();
            foreach (int _ in heads)
            {
                row.AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 3, 0) });
            }

            row.AddRow([.. heads.Select(head => (IRenderable)Map(layer, head))]);
            console.Write(row);
            console.WriteLine();
        }
    }

    private Rows Map(int layer, int head)
    {
        Grid map = new();
        map.AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 1, 0) });
        foreach (Token _ in text.Tokens)
        {
            map.AddColumn(new GridColumn { NoWrap = true, Width = CellColumns - 1, Padding = new Padding(0, 0, 1, 0) });
        }

        map.AddRow([new Text(""), .. text.Tokens.Select(token => (IRenderable)new Text(token.Text) { Overflow = Overflow.Crop })]);
        for (int token = 0; token < text.Tokens.Count; token++)
        {
            map.AddRow([new Text(text.Tokens[token].Text), .. trace.Attention(layer, head, token).ToArray().Select(weight => (IRenderable)Cells.Heat(weight))]);
        }

        return new Rows(new Text(string.Create(CultureInfo.InvariantCulture, $"layer {layer}, head {head}"), new Style(decoration: Decoration.Dim)), map);
    }

    private void WriteMostAttended(int layer)
    {
        Table table = new() { Border = TableBorder.Simple, Title = new TableTitle(string.Create(CultureInfo.InvariantCulture, $"layer {layer}")) };
        table.AddColumn("token");
        for (int head = 0; head < trace.Heads; head++)
        {
            table.AddColumn(string.Create(CultureInfo.InvariantCulture, $"head {head}"));
        }

        for (int token = 0; token < text.Tokens.Count; token++)
        {
            table.AddRow([new Text(text.Tokens[token].Text), .. Enumerable.Range(0, trace.Heads).Select(head => new Text(MostAttendedBy(layer, head, token)))]);
        }

        console.Write(table);
    }

    private string MostAttendedBy(int layer, int head, int token)
        => string.Join("  ", trace.Attention(layer, head, token).ToArray()
            .Select((weight, other) => (weight, other)).OrderByDescending(pair => pair.weight).Take(MostAttended)
            .Select(pair => $"{text.Tokens[pair.other].Text} {Cells.Percent(pair.weight)}"));
}

using System.Globalization;
using Spectre.Console;

namespace LookInside.Terminal;

/// <summary>Numbers as coloured cells. The number itself is always there, so that a terminal or a file without colours says as much.</summary>
internal static class Cells
{
    private static readonly (double R, double G, double B) Empty = (24, 24, 32), Full = (250, 190, 60), Negative = (40, 140, 200);

    /// <summary>0 … 1 as percent, brighter with more; nothing at all stays empty.</summary>
    public static Text Heat(double value)
        => value < 0.005 ? new Text("   ") : new Text(Percent(value).PadLeft(3), On(value, Full));

    /// <summary>A number of a vector, warm above zero and cold below; the largest is 1 or −1.</summary>
    public static Text Signed(double value, double largest)
        => new(value.ToString("+0.00;-0.00; 0.00", CultureInfo.InvariantCulture), On(largest > 0 ? Math.Min(1, Math.Abs(value) / largest) : 0, value < 0 ? Negative : Full));

    /// <summary>Percent without its sign.</summary>
    public static string Percent(double value) => (100 * value).ToString("0", CultureInfo.InvariantCulture);

    /// <summary>A bar of at most <paramref name="width"/> characters.</summary>
    public static Text Bar(double value, int width = 24) => new(new string('█', (int)Math.Round(value * width)), new Style(new Color(250, 190, 60)));

    private static Style On(double value, (double R, double G, double B) colour)
    {
        byte Mix(double from, double to) => (byte)(from + ((to - from) * Math.Sqrt(value)));
        return new Style(value > 0.4 ? Color.Black : Color.White, new Color(Mix(Empty.R, colour.R), Mix(Empty.G, colour.G), Mix(Empty.B, colour.B)));
    }
}

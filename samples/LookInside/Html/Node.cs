using System.Globalization;
using System.Xml.Linq;

namespace LookInside.Html;

/// <summary>Elements of the page.</summary>
internal static class Node
{
    private static readonly HashSet<string> voids = ["meta", "input", "br"];

    /// <summary>An element. One without content gets an end tag of its own, which HTML asks for.</summary>
    public static XElement Of(string name, params object?[] content)
    {
        XElement element = new(name, content);
        if (element.IsEmpty && !voids.Contains(name))
        {
            element.Add("");
        }

        return element;
    }

    /// <summary>class="…"</summary>
    public static XAttribute Class(string name) => new("class", name);

    /// <summary>The strength of a cell's colour, 0 … 1; style sheets mix it.</summary>
    public static XAttribute Heat(double value) => new("style", string.Create(CultureInfo.InvariantCulture, $"--v:{Math.Clamp(value, 0, 1):0.###}"));

    /// <summary>A link within the page.</summary>
    public static XElement Link(string target, string text) => Of("a", new XAttribute("href", target), text);

    /// <summary>Content that scrolls sideways where the screen is narrow, by keyboard too.</summary>
    public static XElement Scroller(string label, params object?[] content)
        => Of("div", Class("scroller"), new XAttribute("tabindex", "0"), new XAttribute("role", "group"), new XAttribute("aria-label", label), content);

    /// <summary>A percentage to be read.</summary>
    public static string Percent(double value) => value switch
    {
        >= 0.995 => "100 %",
        < 0.001 => "< 0.1 %",
        < 0.1 => string.Create(CultureInfo.InvariantCulture, $"{100 * value:0.0} %"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{100 * value:0} %"),
    };
}

using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using LookInside.Observation;

namespace LookInside.Html;

/// <summary>
/// The report as one page that needs nothing else: style and script are inside, numbers lie in a JSON block. Built as a tree, so that no text of a user or of a
/// model can become markup; it is well-formed XML as well.
/// </summary>
internal static class HtmlPage
{
    /// <summary>The whole file.</summary>
    public static string Write(Look look)
    {
        XElement page = Node.Of("html", new XAttribute("lang", "en"),
            Node.Of("head",
                Node.Of("meta", new XAttribute("charset", "utf-8")),
                Node.Of("meta", new XAttribute("name", "viewport"), new XAttribute("content", "width=device-width, initial-scale=1")),
                Node.Of("meta", new XAttribute("name", "color-scheme"), new XAttribute("content", "light dark")),
                Node.Of("title", "Inside the model"),
                Node.Of("style", new XCData("*/\n" + Resource("page.css") + "/*"))),
            Node.Of("body",
                Header(look),
                Node.Of("main", look.Texts.Select(TextSection.Of), PartingSection.Of(look)),
                Node.Of("script", new XAttribute("type", "application/json"), new XAttribute("id", "data"), JsonSerializer.Serialize(PageData.Of(look), PageData.Options)),
                Node.Of("script", new XCData("\n" + Resource("page.js") + "//"))));
        return "<!DOCTYPE html>\n" + Guard(page.ToString(SaveOptions.DisableFormatting)) + "\n";
    }

    private static XElement Header(Look look)
        => Node.Of("header",
            Node.Of("h1", "Inside the model"),
            Node.Of("p", Node.Class("what"), look.Model),
            Node.Of("nav", new XAttribute("aria-label", "Texts"), Node.Of("ul",
                look.Texts.Select((text, i) => Node.Of("li", Node.Link(Invariant($"#text-{i + 1}"), text.Text))),
                look.Partings.Count > 0 ? Node.Of("li", Node.Link("#apart", "One token, two places")) : null)));

    /// <summary>HTML reads what is in style and script as it stands, XML as marked sections: the marks are comments there.</summary>
    private static string Guard(string page)
        => page.Replace("<style><![CDATA[*/", "<style>/*<![CDATA[*/").Replace("/*]]></style>", "/*]]>*/</style>").Replace("<script><![CDATA[", "<script>//<![CDATA[");

    private static string Resource(string name)
    {
        using Stream stream = typeof(HtmlPage).Assembly.GetManifestResourceStream(name)!;
        return new StreamReader(stream).ReadToEnd();
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;
using System.Xml.Linq;
using LookInside.Observation;

namespace LookInside.Html;

/// <summary>One text: its tokens and vectors, who attends to whom, what each layer would say, and what comes next.</summary>
internal static class TextSection
{
    public static XElement Of(TextLook text, int index)
        => Node.Of("section", Node.Class("text"), new XAttribute("id", Invariant($"text-{index + 1}")), new XAttribute("data-text", index),
            Node.Of("h2", text.Text),
            Vectors(text, index),
            Attention(text),
            Said(text),
            Next(text));

    private static XElement Vectors(TextLook text, int index)
    {
        string slider = Invariant($"layers-{index + 1}");
        return Node.Of("article", Node.Class("vectors"),
            Node.Of("h3", "Each token is a vector"),
            Node.Of("p", Invariant($"{text.Trace.State(0, 0).Length} numbers each: "), Node.Of("span", Node.Class("key positive"), "above zero"), ", ",
                Node.Of("span", Node.Class("key negative"), "below"), ". Layer by layer a token takes in what it sees, and its vector changes."),
            Node.Of("p", Node.Class("slider"),
                Node.Of("label", new XAttribute("for", slider), "Behind "),
                Node.Of("input", new XAttribute("type", "range"), new XAttribute("id", slider), new XAttribute("min", 0), new XAttribute("max", text.Trace.Layers), new XAttribute("value", 0), new XAttribute("step", 1)),
                Node.Of("output", new XAttribute("for", slider), "0 layers")),
            Node.Scroller("Vectors", Node.Of("table",
                Node.Of("thead", Node.Of("tr", Header("token"), Header("id"), Header("length"), Header("vector"))),
                Node.Of("tbody", text.Tokens.Select((token, i) => Node.Of("tr",
                    RowHeader(token),
                    Node.Of("td", Node.Class("number"), token.Id),
                    Node.Of("td", Node.Class("number"), new XAttribute("data-lengths", string.Join(' ', Enumerable.Range(0, text.Trace.Layers + 1).Select(layers => Invariant($"{text.Norm(layers, i):0.00}")))), Invariant($"{text.Norm(0, i):0.00}")),
                    Node.Of("td", Node.Class("strip"), Node.Of("canvas", new XAttribute("data-token", i), new XAttribute("height", 22), new XAttribute("role", "img"), new XAttribute("aria-label", $"The vector of {token.Text}")))))))));
    }

    private static XElement Attention(TextLook text)
        => Node.Of("article", Node.Class("attention"),
            Node.Of("h3", "Who attends to whom"),
            Node.Of("p", "A map for each head of each layer. A row is a token, a column a token that it can see: itself and those before. The stronger the colour, the more of that token's value it takes."),
            Node.Of("div", Node.Class("maps"), Enumerable.Range(0, text.Trace.Layers).Select(layer => Node.Of("div", Node.Class("layer"),
                Node.Of("h4", Invariant($"Layer {layer}")),
                Node.Of("div", Node.Class("heads"), Enumerable.Range(0, text.Trace.Heads).Select(head => Node.Of("button",
                    new XAttribute("type", "button"), new XAttribute("data-layer", layer), new XAttribute("data-head", head), new XAttribute("aria-pressed", "false"),
                    Node.Of("canvas", new XAttribute("aria-hidden", "true")),
                    Node.Of("span", Invariant($"head {head}")))))))),
            Node.Scroller("The chosen map", Node.Of("table", Node.Class("map"))),
            Node.Of("noscript", Node.Of("p", "The maps are drawn by a script.")));

    private static XElement Said(TextLook text)
        => Node.Of("article", Node.Class("said"),
            Node.Of("h3", "What each layer would say"),
            Node.Of("p", "The last norm and the head, applied to the state behind each layer: the likeliest next token if the model ended there."),
            Node.Scroller("Predictions by layer", Node.Of("table",
                Node.Of("thead", Node.Of("tr", Header("behind"), Enumerable.Range(0, text.Said.Length).Select(layers => Header(layers == 1 ? "1 layer" : Invariant($"{layers} layers"))))),
                Node.Of("tbody", text.Tokens.Select((token, i) => Node.Of("tr", RowHeader(token), text.Said.Select(said => Guess(said[i]))))))));

    private static XElement Guess(Candidate[] said)
        => Node.Of("td", Node.Class(said[0].Probability switch { > 0.62 => "heat strong", > 0.54 => "heat middling", _ => "heat" }), Node.Heat(said[0].Probability),
            new XAttribute("title", string.Join(", ", said.Take(5).Select(candidate => $"{candidate.Text} {Node.Percent(candidate.Probability)}"))),
            Node.Of("b", said[0].Text), " ", Node.Of("small", Node.Percent(said[0].Probability)));

    private static XElement Next(TextLook text)
        => Node.Of("article", Node.Class("next"),
            Node.Of("h3", "What comes next"),
            Node.Of("table",
                Node.Of("tbody", text.Next.Select(candidate => Node.Of("tr",
                    Node.Of("th", new XAttribute("scope", "row"), candidate.Text),
                    Node.Of("td", Node.Class("bar"), Node.Of("span", Node.Heat(candidate.Probability))),
                    Node.Of("td", Node.Class("number"), Node.Percent(candidate.Probability)))))));

    private static XElement Header(string text) => Node.Of("th", new XAttribute("scope", "col"), text);

    private static XElement RowHeader(Token token) => Node.Of("th", new XAttribute("scope", "row"), token.IsSpecial ? Node.Class("token special") : Node.Class("token"), token.Text);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

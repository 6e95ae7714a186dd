using System.Globalization;
using System.Xml.Linq;
using LookInside.Observation;

namespace LookInside.Html;

/// <summary>Tokens that stand in two places: one vector at first, two at last.</summary>
internal static class PartingSection
{
    private const int Width = 640, Height = 212, Left = 44, Right = 16, Top = 26, Bottom = 34;
    private const int Shown = 3;

    /// <summary>Null where no token occurs twice.</summary>
    public static XElement? Of(Look look) => look.Partings.Count == 0 ? null : Node.Of("section", new XAttribute("id", "apart"),
        Node.Of("h2", "One token, two places"),
        Node.Of("p", "The table of the model has one vector for a token, wherever it stands. Layer by layer its neighbours tell it apart."),
        look.Partings.Select(parting => Of(parting, look)),
        look.MorePartings > 0 ? Node.Of("p", Invariant($"{look.MorePartings} other tokens stand in two places.")) : null);

    private static XElement Of(Parting parting, Look look)
        => Node.Of("article", Node.Class("parting"),
            Node.Of("h3", Node.Of("span", Node.Class("token"), parting.Token.Text)),
            Node.Of("p", Node.Class("place"), Node.Of("small", "first place "), InContext(look, parting.First)),
            Node.Of("p", Node.Class("place"), Node.Of("small", "second place "), InContext(look, parting.Second)),
            Chart(parting),
            Node.Scroller("Step by step", Node.Of("table",
                Node.Of("thead", Node.Of("tr", ((string[])["", "cosine", "nearest, first place", "nearest, second place", "would say, first place", "would say, second place"]).Select(text => Node.Of("th", new XAttribute("scope", "col"), text)))),
                Node.Of("tbody", parting.Steps.Select(step => Node.Of("tr",
                    Node.Of("th", new XAttribute("scope", "row"), step.Where),
                    Node.Of("td", Node.Class("number"), Invariant($"{step.Cosine:0.000}")),
                    Node.Of("td", Near(step.NearFirst)), Node.Of("td", Near(step.NearSecond)),
                    Node.Of("td", Said(step.SaidFirst)), Node.Of("td", Said(step.SaidSecond))))))));

    private static object[] InContext(Look look, Occurrence place)
        => [.. look.Texts[place.Text].Tokens.Select((token, i) => (token, i)).Where(pair => !pair.token.IsSpecial)
            .Select(pair => pair.i == place.Token ? (object)Node.Of("mark", pair.token.Text) : Node.Of("span", Node.Class("context"), pair.token.Text))];

    private static IEnumerable<XElement> Near(IEnumerable<NearToken> near)
        => near.Take(Shown).Select(token => Node.Of("span", Node.Class("pair"), Node.Of("b", token.Text), " ", Node.Of("small", Invariant($"{token.Cosine:0.00}"))));

    private static IEnumerable<XElement> Said(IEnumerable<Candidate> said)
        => said.Take(Shown).Select(token => Node.Of("span", Node.Class("pair"), Node.Of("b", token.Text), " ", Node.Of("small", Node.Percent(token.Probability))));

    /// <summary>The cosine over the steps.</summary>
    private static XElement Chart(Parting parting)
    {
        double lowest = Math.Min(0, Math.Floor(parting.Steps.Min(step => step.Cosine) * 2) / 2);
        double X(int step) => Left + ((Width - Left - Right) * (double)step / (parting.Steps.Count - 1));
        double Y(double cosine) => Top + ((Height - Top - Bottom) * (1 - cosine) / (1 - lowest));
        List<object> shapes = [];
        for (double line = lowest; line <= 1.001; line += 0.5)
        {
            shapes.Add(Svg("line", ("x1", Left), ("x2", Width - Right), ("y1", Y(line)), ("y2", Y(line)), ("class", "grid")));
            shapes.Add(Label(Left - 8, Y(line) + 4, "end", Invariant($"{line:0.0}")));
        }

        shapes.Add(Svg("polyline", ("points", string.Join(' ', parting.Steps.Select((step, i) => Invariant($"{X(i):0.#},{Y(step.Cosine):0.#}")))), ("class", "curve")));
        for (int i = 0; i < parting.Steps.Count; i++)
        {
            PartingStep step = parting.Steps[i];
            shapes.Add(Svg("circle", ("cx", X(i)), ("cy", Y(step.Cosine)), ("r", 4), ("class", "point")));
            bool descended = i > 0 && parting.Steps[i - 1].Cosine - step.Cosine > 0.02; // the curve comes from above: the number goes below
            shapes.Add(Label(X(i), Y(step.Cosine) + (descended ? 19 : -9), i == 0 ? "start" : i == parting.Steps.Count - 1 ? "end" : "middle", Invariant($"{step.Cosine:0.00}"), "value"));
            shapes.Add(Label(X(i), Height - 10, i == 0 ? "start" : i == parting.Steps.Count - 1 ? "end" : "middle", i == 0 ? "own" : Invariant($"{i - 1}")));
        }

        return Node.Of("figure",
            Node.Of("svg", new XAttribute("viewBox", Invariant($"0 0 {Width} {Height}")), new XAttribute("role", "img"),
                new XAttribute("aria-label", Invariant($"Cosine of the two states of {parting.Token.Text}, from {parting.Steps[0].Cosine:0.00} to {parting.Steps[^1].Cosine:0.00}")), shapes),
            Node.Of("figcaption", "Cosine of its two states: the token's own vector, then behind 0, 1, … layers."));
    }

    private static XElement Label(double x, double y, string anchor, string text, string kind = "label")
    {
        XElement label = Svg("text", ("x", x), ("y", y), ("text-anchor", anchor), ("class", kind));
        label.Add(text);
        return label;
    }

    private static XElement Svg(string name, params (string Name, object Value)[] attributes)
        => new(name, attributes.Select(attribute => new XAttribute(attribute.Name, Convert.ToString(attribute.Value, CultureInfo.InvariantCulture)!)));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

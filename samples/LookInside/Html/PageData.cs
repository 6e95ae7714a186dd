using System.Text.Json;
using LookInside.Observation;

namespace LookInside.Html;

/// <summary>
/// What the page's script draws, in whole numbers: states as percent of three times their root mean square, attention weights in thousandths.
/// </summary>
internal sealed record PageData(IReadOnlyList<PageData.TextData> Texts)
{
    /// <summary>The default encoder escapes what could end a script, and everything that is not ASCII.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web);

    /// <param name="Tokens">Their texts.</param>
    /// <param name="States">[layers + 1, tokens, dim].</param>
    /// <param name="Attention">[layers, heads, tokens, as many as each sees].</param>
    internal sealed record TextData(string[] Tokens, int[][][] States, int[][][][] Attention);

    public static PageData Of(Look look) => new([.. look.Texts.Select(Of)]);

    private static TextData Of(TextLook text)
    {
        int tokens = text.Tokens.Count;
        return new(
            [.. text.Tokens.Select(token => token.Text)],
            [.. Enumerable.Range(0, text.Trace.Layers + 1).Select(layers => Each(tokens, token => Percents(text.Trace.State(layers, token), text.Norm(layers, token))))],
            [.. Enumerable.Range(0, text.Trace.Layers).Select(layer => Each(text.Trace.Heads, head => Each(tokens, token => Thousandths(text.Trace.Attention(layer, head, token)))))]);
    }

    private static T[] Each<T>(int count, Func<int, T> of) => [.. Enumerable.Range(0, count).Select(of)];

    private static int[] Percents(ReadOnlySpan<float> state, double norm)
    {
        double full = 3 * norm / Math.Sqrt(state.Length);
        int[] percents = new int[state.Length];
        for (int i = 0; i < percents.Length; i++)
        {
            percents[i] = full > 0 ? (int)Math.Round(100 * Math.Clamp(state[i] / full, -1, 1)) : 0;
        }

        return percents;
    }

    private static int[] Thousandths(ReadOnlySpan<float> weights)
    {
        int[] thousandths = new int[weights.Length];
        for (int i = 0; i < thousandths.Length; i++)
        {
            thousandths[i] = (int)Math.Round(1000 * weights[i]);
        }

        return thousandths;
    }
}

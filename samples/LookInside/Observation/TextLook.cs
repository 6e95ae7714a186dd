using ModelCompiler.Runtime.Tracing;

namespace LookInside.Observation;

/// <summary>A token that may follow.</summary>
internal sealed record Candidate(string Text, double Probability);

/// <summary>A token of a text, as it can be shown.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Text">What it says.</param>
/// <param name="IsPart">It is a part of a character only.</param>
/// <param name="IsSpecial">It is none of the text's own.</param>
internal sealed record Token(int Id, string Text, bool IsPart, bool IsSpecial);

/// <summary>All that was seen of a text on its way through the model.</summary>
/// <param name="Text">As it can be shown.</param>
/// <param name="Tokens">What the tokenizer made of it.</param>
/// <param name="Trace">States and attention.</param>
/// <param name="Said">[layers + 1, tokens]: what would follow each token if the model ended behind so many layers, the likeliest first.</param>
internal sealed record TextLook(string Text, IReadOnlyList<Token> Tokens, ForwardTrace Trace, Candidate[][][] Said)
{
    /// <summary>What follows the text.</summary>
    public Candidate[] Next => Said[^1][^1];

    /// <summary>Length of a token's state behind the first so many layers.</summary>
    public double Norm(int layers, int token)
    {
        double sum = 0;
        foreach (float number in Trace.State(layers, token))
        {
            sum += (double)number * number;
        }

        return Math.Sqrt(sum);
    }
}

/// <summary>Where a token stands: number of the text, number of the token in it.</summary>
internal sealed record Occurrence(int Text, int Token);

/// <summary>How far the two are apart at one point of their way.</summary>
/// <param name="Where">Such as "behind layer 0".</param>
/// <param name="Cosine">Of the angle between the two states.</param>
/// <param name="NearFirst">Tokens whose own vectors are nearest to the first.</param>
/// <param name="NearSecond">And to the second.</param>
/// <param name="SaidFirst">What would follow the first if the model ended here.</param>
/// <param name="SaidSecond">And the second.</param>
internal sealed record PartingStep(
    string Where, double Cosine, IReadOnlyList<NearToken> NearFirst, IReadOnlyList<NearToken> NearSecond, IReadOnlyList<Candidate> SaidFirst, IReadOnlyList<Candidate> SaidSecond);

/// <summary>A token by its likeness to a state.</summary>
internal sealed record NearToken(string Text, double Cosine);

/// <summary>A token that stands in two places: the same vector at first, then another in each, layer by layer.</summary>
internal sealed record Parting(Token Token, Occurrence First, Occurrence Second, IReadOnlyList<PartingStep> Steps);

/// <summary>The whole report.</summary>
/// <param name="Model">What the model is, in a line.</param>
/// <param name="Texts">In the order given.</param>
/// <param name="Partings">Tokens that occur more than once.</param>
/// <param name="MorePartings">How many others were left out.</param>
internal sealed record Look(string Model, IReadOnlyList<TextLook> Texts, IReadOnlyList<Parting> Partings, int MorePartings);

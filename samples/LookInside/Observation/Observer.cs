using System.Globalization;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Runtime.Tracing;

namespace LookInside.Observation;

/// <summary>Runs texts through a model that was compiled with Trace.</summary>
internal sealed class Observer(CompiledModel model, Tokenizer tokenizer)
{
    /// <summary>Candidates that are kept of each prediction.</summary>
    private const int MostCandidates = 10;

    /// <summary>Tokens in two places that are followed.</summary>
    private const int MostPartings = 6;

    /// <summary>Neighbours that are told.</summary>
    private const int MostNeighbours = 4;

    /// <summary>Everything about the texts.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="mostNumbers">Most numbers, states and attention weights together, that may be looked at.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="ArgumentException">A text has no tokens, or more than the model has positions; or there is more to see than was allowed.</exception>
    public Look Observe(IReadOnlyList<string> texts, long mostNumbers, CancellationToken cancellation)
    {
        int[][] ids = [.. texts.Select(Encode)];
        long numbers = ids.Sum(text => Numbers(text.Length));
        if (numbers > mostNumbers)
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"The texts: found {ids.Sum(text => text.Length)} tokens, of which there are {numbers / 1e6:0.0} million numbers to see, expected at most {mostNumbers / 1e6:0.0} million. Give shorter texts, or --large for a page of many megabytes."));
        }

        TextLook[] looks = [.. texts.Zip(ids, (text, tokens) => Observe(text, tokens, cancellation))];
        (Occurrence First, Occurrence Second)[] pairs = [.. Pairs(looks)];
        TokenVectors vectors = model.ReadTokenVectors();
        Parting[] partings = [.. pairs.Take(MostPartings).Select(pair => Follow(looks, pair.First, pair.Second, vectors))];
        return new(Describe(), looks, partings, pairs.Length - partings.Length);
    }

    private int[] Encode(string text)
    {
        int[] ids = tokenizer.Encode(text);
        return ids.Length == 0 ? throw new ArgumentException($"The text '{TokenText.Visible(text)}': found no tokens, expected at least one.")
            : ids.Length > model.Description.ContextLength ? throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"The text '{TokenText.Visible(text[..Math.Min(text.Length, 20)])}…': found {ids.Length} tokens, expected at most {model.Description.ContextLength}, the model's context. Give a shorter one."))
            : ids;
    }

    /// <summary>States behind every layer, and what every head of every layer gives each token before.</summary>
    private long Numbers(long tokens)
    {
        ModelDescription d = model.Description;
        return ((d.Layers + 1L) * tokens * d.Dim) + (d.Layers * (long)d.Heads * tokens * (tokens + 1) / 2);
    }

    private TextLook Observe(string text, int[] ids, CancellationToken cancellation)
    {
        using Session session = model.CreateSession();
        ForwardTrace trace = session.Trace(ids, cancellation);
        Candidate[][][] said = [.. Enumerable.Range(0, trace.Layers + 1).Select(layers => Said(trace.Predict(layers), ids.Length))];
        return new(string.Join(' ', text.Split(' ').Select(TokenText.Visible)), TokenText.Of(tokenizer, ids), trace, said);
    }

    /// <summary>The likeliest of each row of logits [tokens × vocab].</summary>
    private Candidate[][] Said(float[] logits, int tokens)
        => [.. Enumerable.Range(0, tokens).Select(token => Likeliest(logits.AsSpan(token * model.Description.Vocab, model.Description.Vocab)))];

    private Candidate[] Likeliest(ReadOnlySpan<float> logits)
    {
        int[] order = [.. Enumerable.Range(0, logits.Length)];
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits)
        {
            largest = Math.Max(largest, logit);
        }

        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - largest);
        }

        float[] keys = logits.ToArray();
        Array.Sort(keys, order, Comparer<float>.Create((left, right) => right.CompareTo(left)));
        return [.. order.Take(MostCandidates).Select((id, rank) => new Candidate(TokenText.Of(tokenizer, id), Math.Exp(keys[rank] - largest) / sum))];
    }

    /// <summary>Each token that is a text by itself and stands in two texts, or twice in one: two of its places, in different texts where there are such.</summary>
    private static IEnumerable<(Occurrence First, Occurrence Second)> Pairs(IReadOnlyList<TextLook> looks)
        => from look in looks.Select((look, text) => (look, text))
           from token in look.look.Tokens.Select((token, place) => (token, place))
           where !token.token.IsSpecial && !token.token.IsPart
           group new Occurrence(look.text, token.place) by token.token.Id into places
           let first = places.First()
           let second = places.FirstOrDefault(place => place.Text != first.Text) ?? places.Skip(1).FirstOrDefault()
           where second is not null
           select (first, second);

    private Parting Follow(IReadOnlyList<TextLook> looks, Occurrence first, Occurrence second, TokenVectors vectors)
    {
        TextLook one = looks[first.Text], two = looks[second.Text];
        Token token = one.Tokens[first.Token];
        IReadOnlyList<NearToken> own = Near(vectors, vectors[token.Id]);
        List<PartingStep> steps = [new("its own vector", TokenVectors.Cosine(vectors[token.Id], vectors[two.Tokens[second.Token].Id]), own, own, [], [])];
        for (int layers = 0; layers <= one.Trace.Layers; layers++)
        {
            ReadOnlySpan<float> left = one.Trace.State(layers, first.Token), right = two.Trace.State(layers, second.Token);
            steps.Add(new(
                layers == 0 ? "as layer 0 reads it" : string.Create(CultureInfo.InvariantCulture, $"behind layer {layers - 1}"),
                TokenVectors.Cosine(left, right), Near(vectors, left), Near(vectors, right),
                [.. one.Said[layers][first.Token].Take(MostNeighbours)], [.. two.Said[layers][second.Token].Take(MostNeighbours)]));
        }

        return new(token, first, second, steps);
    }

    private NearToken[] Near(TokenVectors vectors, ReadOnlySpan<float> state)
        => [.. vectors.Nearest(state, MostNeighbours).Select(near => new NearToken(TokenText.Of(tokenizer, near.Token), near.Cosine))];

    private string Describe()
    {
        ModelDescription d = model.Description;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{d.Name}: {d.Family}, {d.Layers} layer{(d.Layers == 1 ? "" : "s")} of width {d.Dim}, {d.Heads} heads, {d.Vocab} tokens; weights {d.Format}, {InstructionSets.Name(model.InstructionSet)}");
    }
}

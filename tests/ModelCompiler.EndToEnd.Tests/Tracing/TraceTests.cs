using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Tracing;

namespace ModelCompiler.EndToEnd.Tests.Tracing;

/// <summary>What a trace says, against the reference and against the model itself: every family, every format of weights and cache, windows and groups.</summary>
public class TraceTests(ConformanceModels models, ITestOutputHelper output)
{
    /// <summary>More than a page of the cache.</summary>
    private const int Length = 70;

    public static TheoryData<string, string> Models =>
    [
        .. from model in (string[])["llama-head20", "mistral-window8", "qwen2-biased", "qwen3-head24", "gpt2-tied", "head80-group7"] select (model, "f32"),
        .. from format in WeightFormat.All where format.Name != "f32" select ("gpt2-untied", format.Name),
        .. from cache in CacheFormat.All where cache.Name != "f32" select ("window70", $"f32+{cache.Name}"),
        ("llama-untied", "q4, *.q_proj.*=q8, *.k_proj.*=f32, *.down_proj.*=f16, lm_head.*=bf16"),
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void MeetsTheReference(string model, string format)
    {
        EmittedModel emitted = models.Get(model, format, ModelFeatures.Trace);
        int[] tokens = emitted.Tokens(Length);
        IReadOnlyDictionary<(int Layer, string Name), double[]> expected = emitted.ReferenceValues(tokens);
        using CompiledModel loaded = emitted.Load(Engines.Best, threads: 2);
        using Session session = loaded.CreateSession();
        ForwardTrace trace = session.Trace(tokens);
        Check("embedded", trace, i => trace.State(0, i), expected[(-1, "embedded")], emitted);
        for (int layer = 0; layer < trace.Layers; layer++)
        {
            int l = layer;
            Check($"layer {l}, behind attention", trace, i => trace.StateBehindAttention(l, i), expected[(l, "afterAttention")], emitted);
            Check($"layer {l}, behind", trace, i => trace.State(l + 1, i), expected[(l, "afterFeedForward")], emitted);
            Attention attention = emitted.Plan.Graph.Operations.OfType<Attention>().Single(operation => operation.Place.Layer == l);
            double[] weights = AttentionWeights.Of(attention, expected[(l, attention.Query.Name)], expected[(l, attention.Key.Name)], CacheFormat.Find(emitted.Plan.Cache.Format)!);
            Check($"layer {l}, attention", trace, i => Weights(trace, l, i), weights, emitted);
        }

        Check("normed", trace, trace.NormedState, expected[(-1, "normed")], emitted);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void AttentionRowsSumToOne(string model, string format)
    {
        EmittedModel emitted = models.Get(model, format, ModelFeatures.Trace);
        using CompiledModel loaded = emitted.Load(Engines.Best);
        using Session session = loaded.CreateSession();
        ForwardTrace trace = session.Trace(emitted.Tokens(Length));
        int? window = emitted.Plan.Graph.Operations.OfType<Attention>().First().Window;
        for (int layer = 0; layer < trace.Layers; layer++)
        {
            for (int token = 0; token < Length; token++)
            {
                for (int head = 0; head < trace.Heads; head++)
                {
                    float[] row = trace.Attention(layer, head, token).ToArray();
                    Assert.Equal(token + 1, row.Length);
                    Assert.All(row, weight => Assert.InRange(weight, 0, 1));
                    Assert.Equal(1.0, row.Sum(weight => (double)weight), 1e-5);
                    Assert.All(row.SkipLast(window ?? row.Length), weight => Assert.Equal(0, weight));
                }
            }
        }
    }

    /// <summary>Tracing changes no bit of the logits; behind the last layer the lens is the head; the final state is what the head reads.</summary>
    [Theory]
    [MemberData(nameof(Models))]
    public void TheLensEndsWithTheModelsOwnLogits(string model, string format)
    {
        EmittedModel emitted = models.Get(model, format, ModelFeatures.Trace);
        int[] tokens = emitted.Tokens(Length);
        float[] expected = models.Get(model, format).Logits(tokens, Engines.Best);
        using CompiledModel loaded = emitted.Load(Engines.Best, threads: 2);
        using Session session = loaded.CreateSession();
        ForwardTrace trace = session.Trace(tokens);
        Bits.AssertEqual(expected, session.Logits.ToArray(), "traced");
        Bits.AssertEqual(expected, trace.Predict(trace.Layers), "the head applied to the last states");
        Assert.NotEqual(expected, trace.Predict(0));
        session.Rewind(0);
        Bits.AssertEqual(expected, session.Forward(tokens, LogitsFor.All).ToArray(), "not traced");
    }

    public static TheoryData<string, string, InstructionSet> Everywhere =>
    [
        .. from instructionSet in Engines.All
           from model in (string[])["mistral-window8", "gpt2-tied"]
           select (model, "f32", instructionSet),
        .. from instructionSet in Engines.All select ("window70", "f32+q8", instructionSet),
    ];

    /// <summary>Token by token or at once, on any instruction set and any number of threads.</summary>
    [Theory]
    [MemberData(nameof(Everywhere))]
    public void HasTheSameBitsHoweverItRuns(string model, string format, InstructionSet instructionSet)
    {
        Engines.Require(instructionSet);
        EmittedModel emitted = models.Get(model, format, ModelFeatures.Trace);
        int[] tokens = emitted.Tokens(Length);
        float[] expected = All(emitted, Engines.Best, 1, null, tokens);
        Bits.AssertEqual(expected, All(emitted, instructionSet, 3, null, tokens), "3 threads");
        Bits.AssertEqual(expected, All(emitted, instructionSet, 2, 1, tokens), "2 threads, token by token");
        Bits.AssertEqual(expected, All(emitted, instructionSet, 1, 17, tokens), "in pieces of 17");
    }

    /// <summary>A trace may begin anywhere in a sequence: its rows are those of a trace of the whole.</summary>
    [Fact]
    public void BeginsBehindWhatTheSessionHasRead()
    {
        EmittedModel emitted = models.Get("qwen3-head24", "f32", ModelFeatures.Trace);
        int[] tokens = emitted.Tokens(Length);
        using CompiledModel loaded = emitted.Load(Engines.Best, threads: 2);
        using Session whole = loaded.CreateSession(), later = loaded.CreateSession();
        ForwardTrace all = whole.Trace(tokens);
        later.Forward(tokens.AsSpan(0, 66));
        ForwardTrace rest = later.Trace(tokens.AsSpan(66));
        Assert.Equal(66, rest.FirstPosition);
        Assert.Equal(tokens[66..], rest.Tokens);
        for (int token = 66; token < Length; token++)
        {
            Bits.AssertEqual(all.State(1, token), rest.State(1, token - 66), "state");
            Bits.AssertEqual(all.Attention(0, 1, token), rest.Attention(0, 1, token - 66), "attention");
        }
    }

    /// <summary>A token's vector is the row of the published table, as the format rounds it; positions and other tokens have no part in it.</summary>
    [Theory]
    [InlineData("gpt2-tied", "f32", "wte.weight")]
    [InlineData("llama-untied", "f32", "model.embed_tokens.weight")]
    public void TokenVectorsAreTheTable(string model, string format, string tensor)
    {
        EmittedModel emitted = models.Get(model, format, ModelFeatures.Trace);
        using CompiledModel loaded = emitted.Load(Engines.Best, threads: 2, promptChunk: 20);
        TokenVectors vectors = loaded.ReadTokenVectors();
        float[] published = emitted.Published(tensor);
        Assert.Equal(emitted.Vocab, vectors.Vocab);
        for (int token = 0; token < vectors.Vocab; token++)
        {
            Bits.AssertEqual(published.AsSpan(token * vectors.Dim, vectors.Dim), vectors[token], $"token {token}");
        }

        IReadOnlyList<SimilarToken> nearest = vectors.Nearest(vectors[7], 3);
        Assert.Equal(7, nearest[0].Token);
        Assert.Equal(1.0, nearest[0].Cosine, 1e-12);
        Assert.Equal(TokenVectors.Cosine(vectors[7], vectors[nearest[1].Token]), nearest[1].Cosine, 1e-12);
        Assert.Equal(Enumerable.Range(0, vectors.Vocab).Where(token => token != 7).Max(token => TokenVectors.Cosine(vectors[7], vectors[token])), nearest[1].Cosine, 1e-12);
    }

    [Fact]
    public void WithoutTheOptionItIsRefused()
    {
        using CompiledModel loaded = models.Get("llama-head20", "f32").Load(Engines.Best);
        using Session session = loaded.CreateSession();
        Assert.Contains("Trace = true", Assert.Throws<InvalidOperationException>(() => session.Trace([1, 2])).Message);
        Assert.Contains("Trace = true", Assert.Throws<InvalidOperationException>(loaded.ReadTokenVectors).Message);
        Assert.Equal(0, session.Position);
    }

    [Fact]
    public void ARefusedCallLeavesTheSessionAsItWas()
    {
        EmittedModel emitted = models.Get("llama-head20", "f32", ModelFeatures.Trace);
        using CompiledModel loaded = emitted.Load(Engines.Best);
        using Session session = loaded.CreateSession();
        session.Trace([1, 2, 3]);
        Assert.Throws<ArgumentException>(() => session.Trace([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => session.Trace([emitted.Vocab]));
        Assert.Throws<OperationCanceledException>(() => session.Trace([4], new CancellationToken(true)));
        Assert.Equal(3, session.Position);
        ForwardTrace trace = session.Trace([4]);
        Assert.Equal(4, trace.Attention(0, 0, 0).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => trace.State(trace.Layers + 1, 0).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => trace.State(0, 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => trace.Attention(0, trace.Heads, 0).Length);
    }

    private static float[] All(EmittedModel emitted, InstructionSet instructionSet, int threads, int? promptChunk, int[] tokens)
    {
        using CompiledModel loaded = emitted.Load(instructionSet, threads, promptChunk);
        using Session session = loaded.CreateSession();
        ForwardTrace trace = session.Trace(tokens);
        List<float> numbers = [];
        for (int token = 0; token < tokens.Length; token++)
        {
            numbers.AddRange(trace.State(0, token));
            for (int layer = 0; layer < trace.Layers; layer++)
            {
                numbers.AddRange(trace.StateBehindAttention(layer, token));
                numbers.AddRange(trace.State(layer + 1, token));
                for (int head = 0; head < trace.Heads; head++)
                {
                    numbers.AddRange(trace.Attention(layer, head, token));
                }
            }

            numbers.AddRange(trace.NormedState(token));
        }

        numbers.AddRange(trace.Predict(1));
        return [.. numbers];
    }

    /// <summary>[heads × tokens], as the reference lays it out, of one token.</summary>
    private static float[] Weights(ForwardTrace trace, int layer, int token)
    {
        float[] rows = new float[trace.Heads * Length];
        for (int head = 0; head < trace.Heads; head++)
        {
            trace.Attention(layer, head, token).CopyTo(rows.AsSpan(head * Length));
        }

        return rows;
    }

    private delegate ReadOnlySpan<float> RowOf(int token);

    /// <summary>With the bounds of logits (<see cref="ReferenceTests"/>), for the same reasons.</summary>
    private void Check(string what, ForwardTrace trace, RowOf row, double[] expected, EmittedModel emitted)
    {
        List<float> numbers = [];
        for (int token = 0; token < trace.Tokens.Length; token++)
        {
            numbers.AddRange(row(token));
        }

        Assert.Equal(expected.Length, numbers.Count);
        RowErrors errors = RowErrors.Of(numbers.ToArray(), expected, expected.Length / trace.Tokens.Length);
        output.WriteLine($"{what}: {errors}");
        ReferenceTests.AssertClose(errors, emitted.Plan);
    }
}

using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Reference;

namespace ModelCompiler.Compiler.Tests.Reference;

/// <summary>Every operation of the oracle against numbers worked out by hand.</summary>
public class ReferenceOperationTests
{
    private readonly TinyGraph graph = new();

    [Fact]
    public void PositionsAreAddedToTokens()
    {
        Value tokens = graph.Tokens("tokens", [1, 2], [3, 4]);
        Parameter table = graph.Parameter("positions", 3, 2, 99, 99, 10, 20, 30, 40);
        Value positions = graph.Then(new PositionEmbedding(graph.Value("p", 2), TinyGraph.Place, table, Offset: 1));
        graph.Then(new Add(graph.Value("x", 2), TinyGraph.Place, tokens, positions));
        Near([11, 22, 33, 44], graph.Run(2));
    }

    [Fact]
    public void LinearMultipliesByTheTransposeAndAddsTheBias()
    {
        Value x = graph.Tokens("x", [1, 2], [0, -1]);
        Parameter weight = graph.Parameter("w", 3, 2, 1, 10, 2, 20, 3, 30);
        Parameter bias = graph.Parameter("b", 3, 1, 0.5f, 0, -0.5f);
        graph.Then(new Linear(graph.Value("y", 3), TinyGraph.Place, x, weight, bias));
        Near([21.5, 42, 62.5, -9.5, -20, -30.5], graph.Run(2));
    }

    [Fact]
    public void RmsNormDividesByTheRootOfTheMeanSquare()
    {
        // mean(3², 4²) + ε = 12.5 + 12.5 = 25.
        Value x = graph.Tokens("x", [3, 4]);
        Parameter weight = graph.Parameter("w", 2, 1, 1, 2);
        graph.Then(new Norm(graph.Value("y", 2), TinyGraph.Place, x, NormKind.Rms, 12.5, weight, WeightOffset: 1));
        Near([3.0 / 5 * 2, 4.0 / 5 * 3], graph.Run(1));
    }

    [Fact]
    public void LayerNormTakesTheMeanAwayFirst()
    {
        // mean 2, variance 1, ε 3: divisor 2.
        Value x = graph.Tokens("x", [1, 3]);
        Parameter weight = graph.Parameter("w", 2, 1, 1, 2);
        Parameter bias = graph.Parameter("b", 2, 1, 10, 20);
        graph.Then(new Norm(graph.Value("y", 2), TinyGraph.Place, x, NormKind.Layer, 3, weight, bias));
        Near([9.5, 21], graph.Run(1));
    }

    [Fact]
    public void NormOfHeadsTreatsEachHeadByItself()
    {
        Value x = graph.Tokens("x", [3, 4, 6, 8]);
        Parameter weight = graph.Parameter("w", 2, 1, 1, 1);
        graph.Then(new Norm(graph.Value("y", 4), TinyGraph.Place, x, NormKind.Rms, 0, weight, Groups: 2));
        double root = Math.Sqrt(12.5);
        Near([3 / root, 4 / root, 3 / root, 4 / root], graph.Run(1));
    }

    [Fact]
    public void RopeTurnsElementIWithElementIPlusHalfAndLeavesTheRest()
    {
        // At position 1 pair 0 turns by a right angle and pair 1 by half a turn; the fifth element is not rotated.
        int table = graph.Rope(new RopeTable(new[] { Math.PI / 2, Math.PI }.ToEquatable(), AttentionFactor: 2));
        Value x = graph.Tokens("x", [1, 2, 3, 4, 5], [1, 2, 3, 4, 5]);
        graph.Then(new Rope(graph.Value("y", 5), TinyGraph.Place, x, 1, 5, table));
        Near([2, 4, 6, 8, 5, -6, -4, 2, -8, 5], graph.Run(2));
    }

    [Fact]
    public void AttentionSeesThePastAndNotTheFuture()
    {
        // Scores q·k · scale: token 1 has ln 3 for itself and 0 for token 0, so weights 3/4 and 1/4.
        Value q = graph.Tokens("q", [1], [1]);
        Value k = graph.Tokens("k", [0], [2]);
        Value v = graph.Tokens("v", [8], [16]);
        graph.Then(new Attention(graph.Value("o", 1), TinyGraph.Place, q, k, v, 1, 1, 1, Math.Log(3) / 2));
        Near([8, 14], graph.Run(2));
    }

    [Fact]
    public void QueryHeadsShareTheKeyValueHeadOfTheirGroup()
    {
        // With scores 0 an output is the mean of the values seen: heads 0 and 1 read value head 0, heads 2 and 3 head 1.
        Value q = graph.Tokens("q", [1, 1, 1, 1], [1, 1, 1, 1]);
        Value k = graph.Tokens("k", [0, 0], [0, 0]);
        Value v = graph.Tokens("v", [1, 10], [3, 30]);
        graph.Then(new Attention(graph.Value("o", 4), TinyGraph.Place, q, k, v, 4, 2, 1, 1));
        Near([1, 1, 10, 10, 2, 2, 20, 20], graph.Run(2));
    }

    [Fact]
    public void AWindowHoldsTheTokenItself()
    {
        Value q = graph.Tokens("q", [1], [1], [1], [1]);
        Value k = graph.Tokens("k", [0], [0], [0], [0]);
        Value v = graph.Tokens("v", [1], [2], [4], [8]);
        graph.Then(new Attention(graph.Value("o", 1), TinyGraph.Place, q, k, v, 1, 1, 1, 1, Window: 2));
        Near([1, 1.5, 3, 6], graph.Run(4));
    }

    [Fact]
    public void SoftCapBoundsScores()
    {
        // The score 1e6 becomes cap = ln 3.
        Value q = graph.Tokens("q", [1000], [1000]);
        Value k = graph.Tokens("k", [0], [1000]);
        Value v = graph.Tokens("v", [8], [16]);
        graph.Then(new Attention(graph.Value("o", 1), TinyGraph.Place, q, k, v, 1, 1, 1, 1, SoftCap: Math.Log(3)));
        Near([8, 14], graph.Run(2));
    }

    [Fact]
    public void ElementwiseOperations()
    {
        Value x = graph.Tokens("x", [1, -2]);
        Value scaled = graph.Then(new Scale(graph.Value("scaled", 2), TinyGraph.Place, x, 3));
        Value product = graph.Then(new Multiply(graph.Value("product", 2), TinyGraph.Place, scaled, x));
        graph.Then(new SoftCap(graph.Value("capped", 2), TinyGraph.Place, product, 6));
        Near([6 * Math.Tanh(0.5), 6 * Math.Tanh(2)], graph.Run(1));
    }

    [Theory]
    [InlineData(ActivationKind.Silu, 1.5, 1.2263617142904602)]
    [InlineData(ActivationKind.GeluTanh, 1.5, 1.3995715769802328)]
    [InlineData(ActivationKind.GeluErf, 1.5, 1.399789198096713)]
    [InlineData(ActivationKind.QuickGelu, 1.5, 1.3916621984470765)]
    [InlineData(ActivationKind.Relu, 1.5, 1.5)]
    [InlineData(ActivationKind.Silu, -2, -0.2384058440442351)]
    [InlineData(ActivationKind.GeluTanh, -2, -0.04540230591222494)]
    [InlineData(ActivationKind.GeluErf, -2, -0.04550026389635842)]
    [InlineData(ActivationKind.QuickGelu, -2, -0.06434137685579186)]
    [InlineData(ActivationKind.Relu, -2, 0)]
    public void Activations(ActivationKind kind, double x, double expected)
        => Assert.Equal(expected, ReferenceActivation.Function(kind)(x), 1e-14);

    /// <summary>Expected: the erf of the C library.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1e-10, 1.1283791670955126e-10)]
    [InlineData(0.5, 0.5204998778130465)]
    [InlineData(1, 0.8427007929497149)]
    [InlineData(2, 0.9953222650189527)]
    [InlineData(3.5, 0.9999992569016276)]
    [InlineData(5.9, 1)]
    [InlineData(7, 1)]
    public void ErfOfBothSigns(double x, double expected)
    {
        Assert.Equal(expected, ReferenceActivation.Erf(x), 1e-15);
        Assert.Equal(-expected, ReferenceActivation.Erf(-x), 1e-15);
    }

    [Fact]
    public void AnUnknownTokenIsRefused()
    {
        graph.Tokens("x", [1], [2]);
        ModelGraph whole = new(
            "tiny", new(1, 1, 1, 1, 1, 1, 2, 1, -1, EquatableArray<int>.Empty), EquatableArray<Operation>.Empty, graph.Value("x", 1), EquatableArray<RopeTable>.Empty);
        ReferenceInterpreter interpreter = new(whole, graph);
        Assert.Throws<ArgumentException>(() => interpreter.Run([2]));
        Assert.Throws<ArgumentException>(() => interpreter.Run([-1]));
        Assert.Throws<ArgumentException>(() => interpreter.Run([0, 1]));
    }

    private static void Near(double[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-6);
        }
    }
}

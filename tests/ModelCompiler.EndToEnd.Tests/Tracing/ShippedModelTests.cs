using ModelCompiler.Compiler;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Runtime.Tracing;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Tokenizers;

namespace ModelCompiler.EndToEnd.Tests.Tracing;

/// <summary>The model of samples/HelloModel, which the project trained: one vector for 金, and two worlds that it belongs to.</summary>
public sealed class ShippedModelTests(ConformanceModels models, ITestOutputHelper output)
{
    private static readonly string folder = Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel", "models", "hello");

    private readonly Tokenizer tokenizer = new(TokenizerPacker.Pack(
        File.ReadAllText(Path.Combine(folder, "tokenizer.json")), File.ReadAllText(Path.Combine(folder, "tokenizer_config.json"))));

    [Fact]
    public void GoldPartsFromTheRobotLayerByLayer()
    {
        using CompiledModel model = Load();
        int gold = Assert.Single(tokenizer.Encode("金", addSpecialTokens: false));
        ForwardTrace jewellery = Trace(model, "我喜欢黄金首饰"), robot = Trace(model, "这是一个变形金刚");
        int first = jewellery.Tokens.IndexOf(gold), second = robot.Tokens.IndexOf(gold);
        double[] cosines = [.. Enumerable.Range(0, jewellery.Layers + 1).Select(layers => TokenVectors.Cosine(jewellery.State(layers, first), robot.State(layers, second)))];
        output.WriteLine(string.Join(' ', cosines));
        Assert.Equal(1, cosines[0], 1e-12); // rotary positions: what the first layer reads is the token's own vector
        Assert.InRange(cosines[^1], -1, 0.7);

        TokenVectors vectors = model.ReadTokenVectors();
        string ofJewellery = Nearest(vectors, jewellery.State(jewellery.Layers, first)), ofRobot = Nearest(vectors, robot.State(robot.Layers, second));
        output.WriteLine($"{ofJewellery} | {ofRobot}");
        Assert.StartsWith("首", ofJewellery); // 黄金首饰
        Assert.StartsWith("刚", ofRobot);     // 变形金刚
        Assert.DoesNotContain("刚", ofJewellery);
        Assert.DoesNotContain("首", ofRobot);
    }

    [Theory]
    [InlineData("中国的首都是", "北")]
    [InlineData("法国的首都是", "巴")]
    public void ItKnowsCapitals(string text, string next)
    {
        using CompiledModel model = Load();
        ForwardTrace trace = Trace(model, text);
        float[] logits = trace.Predict(trace.Layers)[^model.Description.Vocab..];
        Assert.Equal(next, tokenizer.Decode([Array.IndexOf(logits, logits.Max())]));
    }

    private CompiledModel Load() => models.Open(folder, "bf16", ModelFeatures.Trace).Load(Engines.Best, threads: 2);

    private ForwardTrace Trace(CompiledModel model, string text)
    {
        using Session session = model.CreateSession();
        return session.Trace(tokenizer.Encode(text));
    }

    private string Nearest(TokenVectors vectors, ReadOnlySpan<float> state) => string.Concat(vectors.Nearest(state, 4).Select(near => tokenizer.Decode([near.Token])));
}

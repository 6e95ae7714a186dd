using System.Text.RegularExpressions;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Inputs;
using StoryWorld.Corpus;
using StoryWorld.Grammar;
using StoryWorld.Writing;
using Tokenizer = ModelCompiler.Runtime.Text.Tokenizer;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>
/// The model of samples/HelloModel, trained on what samples/StoryWorld writes: what it knows, and what it makes of 金 in its two worlds.
/// </summary>
public sealed class ShippedModelTests : IDisposable
{
    private const string Gold = "我喜欢黄金首饰", Robot = "这是一个变形金刚";

    /// <summary>Never a seed of the training text: the documents are new to the model also because they are held out.</summary>
    private const ulong HeldOutSeed = 987654321;

    private static readonly string folder = Path.Combine(SharedData.RepositoryRoot, "samples", "HelloModel", "models", "hello");
    private static readonly string[] goldWorld =
    [
        "金匠给女王做了一枚金戒指。", "这条金项链很美。", "黄金是一种金属。", "黄金很软，铁很硬。", "首饰店里有三枚金戒指。", "她的奶奶送给米娅一只金手镯。", "国王有一箱黄金。",
    ];

    private static readonly string[] robotWorld =
    [
        "变形金刚是会变形的机器人。", "它可以变形，变成一辆汽车。", "汤姆有一个红色的变形金刚。", "机器人收起手臂，变成一架飞机。", "我们是变形金刚。", "孩子们喜欢看变形金刚的电影。",
        "变形金刚可以变成汽车，也可以变成火车。", "她最喜欢的玩具是一个变形金刚。",
    ];

    private readonly ITestOutputHelper output;
    private readonly HelloModel model = HelloModel.Load();
    private readonly Tokenizer tokenizer;

    public ShippedModelTests(ITestOutputHelper output)
    {
        this.output = output;
        tokenizer = model.Tokenizer!;
    }

    public void Dispose() => model.Dispose();

    [Theory]
    [InlineData("中国的首都是", "北京")]
    [InlineData("法国的首都是", "巴黎")]
    [InlineData("The capital of China is", " Beijing")]
    [InlineData("The capital of Egypt is", " Cairo")]
    [InlineData("米娅有一条红色的小船。她把它放在花园里。小船在哪里？在", "花园里")]
    [InlineData("Mia has a red boat. She puts it in the garden. Where is the boat?", " In the garden")]
    [InlineData("Tom has a blue ball, and Anna has a green hat. Tom puts the ball in the kitchen, and Anna puts the hat under the bed. Where is the hat?", " Under the bed")]
    public void ItGoesOnWithWhatIsTrue(string prompt, string expected)
    {
        Assert.Equal(expected, Answer(prompt, tokenizer.Encode(expected, addSpecialTokens: false).Length));
    }

    /// <summary>The same vector goes in; what comes out of the last layer belongs to another world.</summary>
    [Fact]
    public void GoldHasOneVectorAndTwoMeanings()
    {
        int symbol = Assert.Single(tokenizer.Encode("金", addSpecialTokens: false));
        (double[] Static, double[] Last) gold = Vectors(Gold)[^3], robot = Vectors(Robot)[^2];
        Assert.Equal(symbol, tokenizer.Encode(Gold)[^3]);
        Assert.Equal(symbol, tokenizer.Encode(Robot)[^2]);
        Assert.Equal(1, Cosine(gold.Static, robot.Static), 1e-12);

        double last = Cosine(gold.Last, robot.Last);
        output.WriteLine($"金 at the last layer: cosine {last:F3}");
        Assert.InRange(last, -1, 0.7);

        (string World, string Token, double[] Last)[] known = [.. Known("gold", goldWorld), .. Known("robots", robotWorld)];
        AssertNeighbours("gold", gold.Last);
        AssertNeighbours("robots", robot.Last);

        IEnumerable<(string, string, double[])> Known(string world, string[] sentences) => sentences.SelectMany(sentence =>
            Vectors(sentence).Zip(tokenizer.Encode(sentence)).Select(token => (world, tokenizer.Decode([token.Second]), token.First.Last)));

        void AssertNeighbours(string world, double[] vector)
        {
            var nearest = known.OrderByDescending(other => Cosine(other.Last, vector)).Take(5).ToList();
            output.WriteLine($"nearest of 金, {world}: {string.Join(", ", nearest.Select(other => $"{other.Token} ({other.World}, {Cosine(other.Last, vector):F2})"))}");
            Assert.All(nearest, other => Assert.Equal(world, other.World));
        }
    }

    /// <summary>
    /// Stories that the model never saw; the answer to the question at the end is told in them. Bounds lie a little below what was found when the
    /// model was trained; README.md of StoryWorld tells the numbers.
    /// </summary>
    [Theory]
    [InlineData("^ ?(Where|Is|Was)|在哪里|吗$", 80)]
    [InlineData("^ ?Who|谁", 80)]
    public void ItAnswersWhatAStoryTold(string question, int least)
    {
        const int Asked = 100;
        (string Text, int End)[] stories =
        [
            .. HeldOut().Where(document => document is { Scene: "where" or "two-people" or "giving" or "moved", Languages: Languages.English or Languages.Chinese })
                .Select(document => (document.Text, document.Text.LastIndexOfAny(['?', '？']) + 1))
                .Where(story => story.Item2 > 0 && story.Text[story.Item2] is not ('"' or '”') && Regex.IsMatch(Question(story.Text[..(story.Item2 - 1)]), question))
                .Take(Asked),
        ];
        int right = stories.Count(story =>
        {
            string expected = story.Text[story.End..];
            return Answer(story.Text[..story.End], tokenizer.Encode(expected, addSpecialTokens: false).Length) == expected;
        });
        output.WriteLine($"{right} of {stories.Length} answers are right");
        Assert.Equal(Asked, stories.Length);
        Assert.InRange(right, least, Asked);

        static string Question(string text) => text[(text.LastIndexOfAny(['.', '?', '!', '。', '？', '！']) + 1)..];
    }

    /// <summary>Nats for each held-out document, its end included, beside what the grammar itself needs to choose it.</summary>
    [Fact]
    public void ItForetellsAlmostAsWellAsTheGrammar()
    {
        Document[] documents = [.. HeldOut().Take(300)];
        double grammar = documents.Sum(document => document.SurpriseNats), found = 0;
        int tokens = 0, characters = documents.Sum(document => document.Text.Length);
        foreach (Document document in documents)
        {
            int[] text = tokenizer.Encode(document.Text), targets = [.. text[1..], tokenizer.EndId];
            using Session session = model.CreateSession();
            found += Surprise(session.Forward(text, LogitsFor.All).ToArray(), targets);
            tokens += targets.Length;
        }

        output.WriteLine($"{documents.Length} held-out documents, {tokens} tokens, {characters} characters: model {found / tokens:F4} nats a token (perplexity {Math.Exp(found / tokens):F3}), "
            + $"grammar {grammar / tokens:F4} ({Math.Exp(grammar / tokens):F3}); a character {found / characters:F4} and {grammar / characters:F4}; ratio {found / grammar:F3}");
        Assert.InRange(found / grammar, 0.95, 1.25);
    }

    private static IEnumerable<Document> HeldOut()
    {
        DocumentWriter writer = new(WorldReader.ReadEmbedded(), HeldOutSeed);
        return Enumerable.Range(0, int.MaxValue).Select(number => writer.Write(number)).Where(document => CorpusFiles.IsHeldOut(document.Text));
    }

    private string Answer(string prompt, int count)
    {
        using Session session = model.CreateSession();
        List<int> answer = [];
        for (int[] next = tokenizer.Encode(prompt); answer.Count < count; next = [answer[^1]])
        {
            ReadOnlySpan<float> logits = session.Forward(next).Last;
            answer.Add(IndexOfLargest(logits));
        }

        return tokenizer.Decode([.. answer]);
    }

    private static int IndexOfLargest(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            best = logits[i] > logits[best] ? i : best;
        }

        return best;
    }

    private static double Surprise(float[] logits, int[] targets)
    {
        int vocab = logits.Length / targets.Length;
        double sum = 0;
        for (int row = 0; row < targets.Length; row++)
        {
            float[] scores = logits[(row * vocab)..((row + 1) * vocab)];
            double largest = scores.Max();
            sum += largest + Math.Log(scores.Sum(score => Math.Exp(score - largest))) - scores[targets[row]];
        }

        return sum;
    }

    /// <summary>Of each token: its row of the embedding table, and its state behind the last layer; in double precision.</summary>
    private List<(double[] Static, double[] Last)> Vectors(string text)
    {
        using ModelFolder published = ModelFolder.Open(folder, "story");
        ModelPlan plan = ModelCompilation.Plan(published.Inputs, new PlanOptions("f32"), [])!;
        int[] tokens = tokenizer.Encode(text);
        var values = new ReferenceInterpreter(plan.Graph, new PublishedParameters(published)).RunAll(tokens);
        int dim = plan.Graph.Dimensions.Dim, layers = plan.Graph.Dimensions.Layers;
        double[] first = values[(-1, "embedded")], last = values[(layers - 1, "afterFeedForward")];
        return [.. Enumerable.Range(0, tokens.Length).Select(i => (first[(i * dim)..((i + 1) * dim)], last[(i * dim)..((i + 1) * dim)]))];
    }

    private static double Cosine(double[] a, double[] b)
        => Dot(a, b) / Math.Sqrt(Dot(a, a) * Dot(b, b));

    private static double Dot(double[] a, double[] b) => a.Zip(b).Sum(pair => pair.First * pair.Second);
}

using System.Text.Json;
using System.Text.RegularExpressions;
using ModelCompiler.EndToEnd.Tests.Inputs;
using StoryWorld.Corpus;
using StoryWorld.Grammar;
using StoryWorld.Writing;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>samples/StoryWorld: what the grammar writes, and what it knows of its own entropy.</summary>
public sealed partial class StoryWorldTests
{
    private static readonly Lazy<Document[]> documents = new(() =>
    {
        DocumentWriter writer = new(WorldReader.ReadEmbedded(), seed: 1234);
        return [.. Enumerable.Range(0, 20_000).Select(number => writer.Write(number))];
    });

    private const string SmallWorld = """
        table animal: en, s, zh, m, eats>food
        cat, cats, 猫, 只, fish|milk *3
        owl, owls, 猫头鹰, 只, mice
        table food: en, zh
        fish, 鱼
        milk, 牛奶
        mice, 老鼠
        scene small
        let animal = animal
        let other = animal
        let food = animal.eats
        say
          en {animal.s} [love/loved] {food}. (1:big|old) {other.s} do not.
          zh {animal}喜欢{food}，(1:大|老){other}不喜欢。
        maybe 25
        - *3
          en "Where is a {animal}?" asks a {other}.
          zh {other}问：“{animal}在哪里？”
        -
          en A {animal} is here. "It is an old {animal}." It (runs|walks).
          zh {animal}在这里。
        """;

    [Fact]
    public void ASmallWorldIsWrittenAsItsGrammarSays()
    {
        World world = WorldReader.Read([("small.txt", SmallWorld)]);
        DocumentWriter writer = new(world, seed: 1);
        Document[] written = [.. Enumerable.Range(0, 5_000).Select(number => writer.Write(number))];

        // 37/100 English; cat before owl 3/4 (what is left for the other is sure); fish 1/2; present 1/2; big 1/2; no second step 3/4.
        Document plain = written.First(document => document.Text == "Cats love fish. Big owls do not.");
        Assert.Equal(-Math.Log(0.37 * 0.75 * 0.5 * 0.5 * 0.5 * 0.75), plain.SurpriseNats, 1e-12);
        Document asked = written.First(document => document.Text == "猫头鹰喜欢老鼠，大猫不喜欢。猫问：“猫头鹰在哪里？”");
        Assert.Equal(-Math.Log(0.37 * 0.25 * 0.5 * 0.25 * 0.75), asked.SurpriseNats, 1e-12);
        Assert.Contains(written, document => document.Text == "Owls loved mice. Old cats do not. \"Where is an owl?\" asks a cat.");
        Assert.Contains(written, document => document.Text == "Cats love milk. Old owls do not. A cat is here. \"It is an old cat.\" It walks.");
        Assert.Contains(written, document => document.Text == "猫喜欢牛奶，老猫头鹰不喜欢。\nCats loved milk. Old owls do not.");

        // The share of a text comes close to its probability.
        int count = written.Count(document => document.Text == plain.Text);
        Assert.InRange(count / (Math.Exp(-plain.SurpriseNats) * written.Length), 0.7, 1.4);
    }

    [Theory]
    [InlineData("scene s\nsay\n  en A {cat}.\n  zh 猫。", "scene s: no variable 'cat'")]
    [InlineData("scene s\nlet cat = cats\nsay\n  en A {cat}.\n  zh 猫。", "scene s: no table 'cats'")]
    [InlineData("table cats: en\ncat\nscene s\nlet cat = cats\nsay\n  en A {cat}.\n  zh {cat}。", "scene s: 'cat' has no form 'zh'")]
    [InlineData("table cats: en, zh\ncat, 猫, 只", "bad.txt(2): found 3 cells, expected 2")]
    [InlineData("table cats: en, zh\ncat", "bad.txt(2): found 1 cells, expected one for each of en, zh")]
    [InlineData("scene s\nsay\n  en A (cat.\n  zh 猫。", "bad.txt(3): no ')' in \"A (cat.\"")]
    [InlineData("scene s\nsay\n  en A cat].\n  zh 猫。", "bad.txt(3): ']' closes nothing in \"A cat].\"")]
    [InlineData("scene s\nsay\n  en A cat.", "scene s: a meaning lacks its wording in one language")]
    [InlineData("scene s\nsay\n  en (1:a|b)\n  zh (1:甲|乙|丙)", "scene s: the choices of number 1 have not as many parts each")]
    [InlineData("scene s\nsome 1..2\n  en A cat.\n  zh 猫。", "scene s: a step says 1 to 2 of 1 meanings")]
    [InlineData("scene s\nsay\n  en <greeting>\n  zh 你好。", "scene s: no phrase 'greeting'")]
    public void AMistakeInTheGrammarIsNamed(string text, string message)
        => Assert.Equal(message, Assert.Throws<WorldException>(() => WorldReader.Read([("bad.txt", text)])).Message);

    /// <summary>Then −ln p of the choices is −ln p of the text.</summary>
    [Fact]
    public void ATextIsWrittenByOneWayOfChoosing()
        => Assert.All(documents.Value.GroupBy(document => document.Text), same => Assert.Single(same.Select(document => document.Path).Distinct()));

    /// <summary>So that 金 lives in two worlds.</summary>
    [Fact]
    public void GoldAndTransformersNeverMeet()
    {
        Document[] gold = [.. documents.Value.Where(document => GoldWords().IsMatch(document.Text))];
        Document[] robots = [.. documents.Value.Where(document => RobotWords().IsMatch(document.Text))];
        Assert.Empty(gold.Intersect(robots));
        Assert.InRange(gold.Length, documents.Value.Length / 10, documents.Value.Length / 3);
        Assert.InRange(robots.Length, documents.Value.Length / 10, documents.Value.Length / 3);
        Assert.Contains(gold, document => document.Text.Contains("我喜欢黄金首饰。", StringComparison.Ordinal));
        Assert.Contains(robots, document => document.Text.Contains("这是一个变形金刚。", StringComparison.Ordinal));
    }

    [Fact]
    public void SentencesLookLikeSentences()
    {
        foreach (Document document in documents.Value)
        {
            Assert.Matches(document.Scene is "dictionary" or "gold-words" or "robot-words" ? WholeLinesOfBoth() : WholeLines(), document.Text);
            Assert.DoesNotMatch(Slips(), document.Text);
            Assert.InRange(SentenceEnds().Count(document.Text), 1, document.Languages is Languages.English or Languages.Chinese ? 15 : 30);
        }
    }

    [Fact]
    public void ATextIsForTrainingOrHeldOutWhateverTheSeed()
    {
        using TemporaryFolder folder = new();
        World world = WorldReader.ReadEmbedded();
        string[] training = [.. Texts(seed: 1, "first"), .. Texts(seed: 2, "second")];
        string[] heldOut = [.. Read("first.held"), .. Read("second.held")];
        Assert.Equal(4_000, training.Length);
        Assert.Empty(training.Intersect(heldOut));
        Assert.InRange(heldOut.Length, 40, 120);
        Assert.Equal(training[..2_000], Texts(seed: 1, "again"));

        using var report = JsonDocument.Parse(File.ReadAllText(folder.File("first.held.entropy.json")));
        JsonElement all = report.RootElement.GetProperty("all");
        Assert.Equal(Read("first.held").Length, all.GetProperty("documents").GetInt32());
        Assert.Equal(Read("first.held").Sum(text => text.Length), all.GetProperty("characters").GetInt32());
        Assert.Equal(
            all.GetProperty("nats").GetDouble(),
            report.RootElement.EnumerateObject().Skip(1).Sum(part => part.Value.GetProperty("nats").GetDouble()),
            0.01);

        string[] Texts(ulong seed, string name)
        {
            CorpusFiles.Write(new(world, seed), 2_000, folder.File(name), folder.File(name + ".held"), TestContext.Current.CancellationToken);
            return Read(name);
        }

        string[] Read(string name) => File.ReadAllText(folder.File(name)).Split($"\n{CorpusFiles.Separator}\n", StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public void AFileThatIsNotFinishedIsNotThere()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("corpus"), "what was there");
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => CorpusFiles.Write(new(WorldReader.ReadEmbedded(), 1), 10, folder.File("corpus"), folder.File("held"), cancelled.Token));
        Assert.Equal("what was there", File.ReadAllText(folder.File("corpus")));
        Assert.Equal([folder.File("corpus")], Directory.GetFiles(folder.Path));
    }

    [GeneratedRegex("金(?!刚)|首饰|[Gg]old|[Jj]ewel")]
    private static partial Regex GoldWords();

    [GeneratedRegex("变形|机器人|[Rr]obot|[Tt]ransformer")]
    private static partial Regex RobotWords();

    /// <summary>Lines of English that begin with a capital letter, or of Chinese without Latin letters; both end as sentences do.</summary>
    [GeneratedRegex("^(\"?[A-Z][-A-Za-z ',.?!:\"]*[.?!]\"?(\n|$)|“?\\p{IsCJKUnifiedIdeographs}[\\p{IsCJKUnifiedIdeographs}，。？！：“”、]*[。？！]”?(\n|$))+$")]
    private static partial Regex WholeLines();

    [GeneratedRegex("^([\"“]?[A-Za-z\\p{IsCJKUnifiedIdeographs}].*[.?!。？！][\"”]?(\n|$))+$")]
    private static partial Regex WholeLinesOfBoth();

    [GeneratedRegex("  |[{}<>()\\[\\]|/]|\\b[Aa] [aeiouAEIOU]|\\b[Aa]n (?!hour)[^aeiouAEIOU]|[.] [a-z]|[.?!,][A-Za-z]|。。|的的|了了")]
    private static partial Regex Slips();

    [GeneratedRegex("[.?!。？！]")]
    private static partial Regex SentenceEnds();
}

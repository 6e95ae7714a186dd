using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Tokenizers;
using ModelCompiler.Tool.Tokenizers.Training;
using ModelCompiler.Tool.Training;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>From files to documents to tokens.</summary>
public sealed class TrainingTextTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("a\nb\n\nc\n\n\n\nd\n", DocumentSplit.Auto, "a\nb¦c¦d")]
    [InlineData("a\r\n\r\nb", DocumentSplit.Auto, "a¦b")]
    [InlineData("a\n\nb\n<|endoftext|>\nc\n", DocumentSplit.Auto, "a\n\nb¦c")]
    [InlineData("a\n\nb\n<|endoftext|>\nc", DocumentSplit.BlankLines, "a¦b\n<|endoftext|>\nc")]
    [InlineData("\uFEFFa\n\nb", DocumentSplit.None, "a\n\nb")]
    [InlineData("a\n\nb", DocumentSplit.Marker, "a\n\nb")]
    internal void PlainTextIsCut(string text, DocumentSplit split, string expected)
        => Assert.Equal(expected.Split('¦'), Read("a.txt", text, split));

    [Fact]
    public void JsonIsAnArrayOfDocuments()
    {
        Assert.Equal(["a", "b"], Read("a.json", """["a", "", "b"]"""));
        Assert.Equal(["T\nx\ny"], Read("a.json", """[{"title": "T", "lines": ["x", "y"], "no": 1}]""", fields: ["title", "lines"]));
        Assert.Equal(["a", "b"], Read("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n", fields: ["text"]));
    }

    [Theory]
    [InlineData("a.json", "{}", "(1): error MC330: the text: found Object at its root, expected an array of documents.")]
    [InlineData("a.json", "[1]", "document 1: found Number, expected a string, or an object and --json-field")]
    [InlineData("a.json", "[\n{\"x\": ", "(2): error MC330: the text: found broken JSON")]
    [InlineData("a.json", "[{\"x\": \"y\"}]", "document 1: found no field 'text', expected one; it has x.")]
    [InlineData("a.json", "[{\"text\": 1}]", "document 1, field 'text': found Number, expected a string or an array of strings.")]
    [InlineData("a.jsonl", "\"a\"\n1", "(2): error MC330: the document: found Number")]
    public void JsonThatIsNoTextIsRefused(string name, string text, string expected)
        => Assert.Contains(expected, Assert.Throws<TrainingTextException>(() => Read(name, text, fields: ["text"])).Message, StringComparison.Ordinal);

    [Fact]
    public void ThePoemsOfTheTangAreRead()
    {
        string path = SharedData.Require("text/tang300.json");
        IReadOnlyList<string> poems = TextDocuments.Read(path, DocumentSplit.Auto, ["title", "paragraphs"]);
        Assert.True(poems.Count > 290);
        Assert.StartsWith("在嶽詠蟬\n西陸蟬聲唱，南冠客思侵。\n", poems[0], StringComparison.Ordinal);
    }

    /// <summary>What samples go on from, where an empty prompt would ask for what the model has hardly seen.</summary>
    [Theory]
    [InlineData(8, "aabb", "aabb")]
    [InlineData(3, "aabb", "aa")]
    [InlineData(99, "\nabab\nbb", "abab")]
    [InlineData(99, "abababababab abababababab", "abababababab")]
    [InlineData(99, "ababababababababababababababab", "abababababababababababab")]
    [InlineData(0, "ab", null)]
    [InlineData(8, "ab¦ba", null)]
    public void ASingleDocumentHasAnOpening(int tokens, string text, string? expected)
        => Assert.Equal(expected, new TrainingText(["a"], text.Split('¦'), null, 0).Opening(Letters(), tokens));

    [Fact]
    public void DocumentsStandBetweenEndTokens()
    {
        TokenData data = new TrainingText(["a"], ["ab", "ba", "bb", "aa"], null, HoldOut: 0.5).Encode(Letters(), 0, 0);
        Assert.Equal([0, 1, 2, 0, 2, 2, 0], data.Training.ToArray());
        Assert.Equal([0, 2, 1, 0, 1, 1, 0], data.HeldOut.ToArray());

        data = new TrainingText(["a"], ["ab", "ba"], ["bb"], HoldOut: 0.5).Encode(Letters(), 0, 0);
        Assert.Equal([0, 1, 2, 0, 2, 1, 0], data.Training.ToArray());
        Assert.Equal([0, 2, 2, 0], data.HeldOut.ToArray());
        Assert.Equal(2, TrainingText.CountBytes(Letters(), data.HeldOut));
    }

    [Fact]
    public void FewDocumentsHaveTheirEndHeldOut()
    {
        TokenData data = new TrainingText(["a"], ["abababab"], null, HoldOut: 0.2).Encode(Letters(), 0, 0);
        Assert.Equal((8, 2), (data.Training.Length, data.HeldOut.Length));
    }

    [Fact]
    public void ACharacterWithoutATokenIsNamed()
    {
        TrainingTextException fault = Assert.Throws<TrainingTextException>(() => new TrainingText(["x.txt"], ["ab", "a金b"], null, 0).Encode(Letters(), 0, 0));
        Assert.Contains("x.txt: error MC330: the text: found '金' (U+91D1), which the tokenizer has no token for, in 'a金b'", fault.Message, StringComparison.Ordinal);
    }

    private static Tokenizer Letters() => new(TokenizerPacker.Pack(TokenizerJson.OfCharacters(["a", "b"]), TokenizerJson.Config(64)));

    private IReadOnlyList<string> Read(string name, string text, DocumentSplit split = DocumentSplit.Auto, string[]? fields = null)
    {
        File.WriteAllText(folder.File(name), text);
        return TextDocuments.Read(folder.File(name), split, fields ?? []);
    }
}

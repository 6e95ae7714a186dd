using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Tests.Inputs;

public class JsonReaderTests
{
    [Fact]
    public void EveryValueKnowsItsPlace()
    {
        JsonValue root = Read("{\n  \"a\": 1,\r\n  \"list\": [true, null,\n\"x\"]\r}");

        Assert.Equal((1, 1), (root.Line, root.Column));
        Assert.Equal((2, 3), (root.Members[0].Line, root.Members[0].Column));
        Assert.Equal((2, 8), Place(root.Find("a")));
        JsonValue list = root.Find("list")!;
        Assert.Equal((3, 11), Place(list));
        Assert.Equal([(3, 12), (3, 18), (4, 1)], list.Items.Select(Place));
    }

    [Theory]
    [InlineData("\"\"", "")]
    [InlineData("\"caf\u00E9 \u4E2D\"", "caf\u00E9 \u4E2D")]
    [InlineData("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t")]
    [InlineData("\"\\u0041\\u00e9\\ud83d\\ude00\"", "A\u00E9\U0001F600")]
    [InlineData("\"\U0001F600 raw\"", "\U0001F600 raw")]
    [InlineData("\uFEFF\"after a byte order mark\"", "after a byte order mark")]
    public void StringsAreUnescaped(string json, string expected) => Assert.Equal(expected, Read(json).Text);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("1e-05", 1e-5)]
    [InlineData("12.5E+2", 1250)]
    [InlineData("-10000.0", -10000)]
    public void NumbersAreRead(string json, double expected)
    {
        Assert.True(Read(json).TryGetDouble(out double value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("9223372036854775807", true)]
    [InlineData("9223372036854775808", false)]
    [InlineData("1.0", false)]
    [InlineData("\"1\"", false)]
    public void OnlyWholeNumbersAreWhole(string json, bool whole) => Assert.Equal(whole, Read(json).TryGetInt64(out _));

    [Theory]
    [InlineData("", 1, 1)]
    [InlineData("  \n ", 2, 2)]
    [InlineData("{", 1, 2)]
    [InlineData("{\n  \"a\": 1,\n}", 3, 1)]
    [InlineData("{\"a\" 1}", 1, 6)]
    [InlineData("{\"a\": 1 \"b\": 2}", 1, 9)]
    [InlineData("{a: 1}", 1, 2)]
    [InlineData("[1,]", 1, 4)]
    [InlineData("[1 2]", 1, 4)]
    [InlineData("01", 1, 2)]
    [InlineData("1.", 1, 3)]
    [InlineData("1e", 1, 3)]
    [InlineData("-", 1, 2)]
    [InlineData("+1", 1, 1)]
    [InlineData("NaN", 1, 1)]
    [InlineData("Infinity", 1, 1)]
    [InlineData("nul", 1, 1)]
    [InlineData("True", 1, 1)]
    [InlineData("// no\n1", 1, 1)]
    [InlineData("1 2", 1, 3)]
    [InlineData("\"open", 1, 6)]
    [InlineData("\"line\nend\"", 1, 6)]
    [InlineData("\"tab\there\"", 1, 5)]
    [InlineData("\"\\x41\"", 1, 3)]
    [InlineData("\"\\u00g0\"", 1, 6)]
    [InlineData("\"\\ud83d\"", 1, 2)]
    [InlineData("\"\\ude00\"", 1, 2)]
    [InlineData("\"\\ud83d\\u0041\"", 1, 8)]
    [InlineData("\0", 1, 1)]
    public void WhatIsNotJsonIsPlaced(string json, int line, int column)
    {
        List<ModelDiagnostic> diagnostics = [];

        Assert.Null(JsonReader.Read(new TextFile("x.json", json), diagnostics));

        Found.Single(diagnostics, "MC001", line, column);
    }

    [Fact]
    public void LoneSurrogatesAreRefused()
    {
        List<ModelDiagnostic> diagnostics = [];

        Assert.Null(JsonReader.Read(new TextFile("x.json", "\"" + '\uDE00' + "\""), diagnostics));

        Found.Single(diagnostics, "MC001", 1, 2, "surrogate");
    }

    [Fact]
    public void NestingIsBounded()
    {
        List<ModelDiagnostic> diagnostics = [];
        string deepest = new string('[', JsonReader.DeepestNesting) + new string(']', JsonReader.DeepestNesting);

        Assert.NotNull(JsonReader.Read(new TextFile("x.json", deepest), diagnostics));
        Assert.Empty(diagnostics);
        Assert.Null(JsonReader.Read(new TextFile("x.json", new string('[', 1_000_000)), diagnostics));

        Found.Single(diagnostics, "MC001", 1, JsonReader.DeepestNesting + 1, "nesting");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(30)]
    public void AKeyOccursOnce(int keys)
    {
        List<ModelDiagnostic> diagnostics = [];
        string members = string.Join(",\n", Enumerable.Range(0, keys).Select(i => $"\"key{i}\": {i}"));

        JsonValue? distinct = JsonReader.Read(new TextFile("x.json", "{" + members + "}"), diagnostics);
        Assert.Equal(Enumerable.Range(0, keys).Select(i => $"{i}"), Enumerable.Range(0, keys).Select(i => distinct!.Find($"key{i}")!.Text));
        Assert.Null(JsonReader.Read(new TextFile("x.json", "{" + members + ",\n  \"key0\": 0}"), diagnostics));

        Found.Single(diagnostics, "MC002", keys + 1, 3, "key0");
    }

    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        const string Odd = "quote \" backslash \\ line \n caf\u00E9 \U0001F600";
        string text = new JsonWriter().BeginObject()
            .Property("text", Odd).Property("none", (string?)null).Property("number", long.MinValue).Property("flag", true)
            .Property("shape", [1, 2]).BeginArray("lines")
            .BeginLine().Property("a", 1).Property("b", "x").EndObject().BeginLine().EndObject()
            .EndArray().BeginObject("empty").EndObject().EndObject().ToString();

        JsonValue root = Read(text);

        Assert.Equal(Odd, root.Find("text")!.Text);
        Assert.Equal(
            """
            {
              "text": "quote \" backslash \\ line \u000a caf\u00e9 \ud83d\ude00",
              "none": null,
              "number": -9223372036854775808,
              "flag": true,
              "shape": [1, 2],
              "lines": [
                { "a": 1, "b": "x" },
                {}
              ],
              "empty": {}
            }

            """,
            text,
            ignoreLineEndingDifferences: true);
        Assert.DoesNotContain('\r', text);
    }

    private static JsonValue Read(string json)
    {
        List<ModelDiagnostic> diagnostics = [];
        JsonValue? value = JsonReader.Read(new TextFile("x.json", json), diagnostics);
        Assert.Empty(diagnostics);
        return value!;
    }

    private static (int Line, int Column) Place(JsonValue? value) => (value!.Line, value.Column);
}

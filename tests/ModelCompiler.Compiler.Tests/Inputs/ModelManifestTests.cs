using System.Globalization;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Tests.Inputs;

public class ModelManifestTests
{
    private static readonly string Hash = new('a', 64);

    private static readonly ModelManifest Manifest = new(
        "story", "bf16", "f32", "story.mcw", "App.story.mcw", Hash, new string('0', 64),
        new(
        [
            new TensorInfo("a.weight", TensorType.BF16, new([2, 3]), "model.safetensors", 100, 12),
            new TensorInfo("b.bias", TensorType.Unsupported, default, "model.safetensors", 112, 1) { TypeName = "U8" },
        ]));

    private readonly List<ModelDiagnostic> diagnostics = [];

    [Theory]
    [InlineData("App.story.mcw", false)]
    [InlineData(null, true)]
    public void WhatIsWrittenIsReadBack(string? resource, bool forTraining)
    {
        ModelManifest manifest = Manifest with { EmbeddedResource = resource, TrainingContentHash = forTraining ? new string('1', 64) : null };

        Assert.Equal(manifest, Read(manifest.Write()));
        Assert.Empty(diagnostics);
    }

    [Fact]
    public void TheTextIsTheSameInEveryCultureAndFolder()
    {
        CultureInfo culture = CultureInfo.CurrentCulture;
        ModelManifest elsewhere = Manifest with
        {
            Tensors = Manifest.Tensors.Reverse().Select(tensor => tensor with { File = @"C:\models/" + tensor.File }).ToEquatable(),
        };
        try
        {
            CultureInfo odd = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            odd.NumberFormat.NegativeSign = "~";
            odd.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = odd;
            Assert.Equal(Manifest.Write(), elsewhere.Write());
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void AManifestIsReadable()
        => Assert.StartsWith(
            """
            {
              "version": 1,
              "name": "story",
              "weights": "bf16",
              "cache": "f32",
              "weightsFile": "story.mcw",
              "embeddedResource": "App.story.mcw",
            """,
            Manifest.Write().ReplaceLineEndings(Environment.NewLine));

    [Theory]
    [InlineData("MC020", "\"version\": 1", "\"version\": 2", 2, 14)]
    [InlineData("MC003", "\"version\": 1", "\"revision\": 1", 1, 1)]
    [InlineData("MC003", "\"name\": \"story\",", "", 1, 1)]
    [InlineData("MC010", "\"story\"", "\"a\\u002F..\\u002Fb\"", 3, 11)]
    [InlineData("MC015", "story.mcw", "../story.mcw", 6, 18)]
    [InlineData("MC015", "\"model.safetensors\", \"offset\": 100", "\"a/b\", \"offset\": 100", 12, 69)]
    [InlineData("MC010", "b.bias", "b\\u0022", 13, 15)]
    [InlineData("MC016", "b.bias", "a.weight", 11, 14)]
    [InlineData("MC004", "\"offset\": 100", "\"offset\": -100", 12, 100)]
    [InlineData("MC005", "[2, 3]", "[2, -3]", 12, 57)]
    [InlineData("MC001", "]", "}", 12, 58)]
    public void AManifestThatWasTamperedWithIsRefused(string id, string text, string replacement, int line, int column)
    {
        string written = Manifest.Write();
        int first = written.IndexOf(text, StringComparison.Ordinal);
        string tampered = written[..first] + replacement + written[(first + text.Length)..];

        Assert.Null(Read(tampered));

        Found.Single(diagnostics, id, line, column);
    }

    [Fact]
    public void AHashHasItsForm()
    {
        Assert.Null(Read(Manifest.Write().Replace(Hash, Hash.ToUpperInvariant())));

        Found.Single(diagnostics, "MC005", 8, 15);
    }

    [Fact]
    public void ATensorIsFoundWhateverTheOrder()
    {
        string[] names = [.. Enumerable.Range(0, 100).Select(i => $"layer.{i}.weight"), "Z", "a", "_"];
        ModelInputs inputs = new(
            "x", new ModelConfig(new TextFile("config.json", "{}")),
            names.Select(name => new TensorInfo(name, TensorType.F32, default, "", 0, 0)).ToEquatable());

        Assert.All(names, name => Assert.Equal(name, inputs.Find(name)?.Name));
        Assert.Null(inputs.Find("layer.100.weight"));
        Assert.Null(inputs.Find(""));
    }

    private ModelManifest? Read(string text) => ModelManifest.Read(new TextFile("story.manifest.json", text), diagnostics);
}

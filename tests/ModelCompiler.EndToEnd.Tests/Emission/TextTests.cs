using System.Globalization;
using System.Text.RegularExpressions;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Emission;

/// <summary>Emitted text: the same everywhere, and readable.</summary>
public class TextTests
{
    [Theory]
    [InlineData("llama-llama3", "f16")]
    [InlineData("qwen3-head24", "bf16")]
    [InlineData("gpt2-untied", "f32")]
    public void TwoEmissionsAreTheSameText(string model, string format)
    {
        EquatableArray<GeneratedFile> first = Emit(model, format);
        Assert.Equal(first, Emit(model, format));
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = Foreign();
            Assert.Equal(first, Emit(model, format));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void NoFileKnowsWhereItWasMade()
    {
        foreach (GeneratedFile file in Emit("llama-head20", "f32"))
        {
            Assert.DoesNotContain(SharedData.RepositoryRoot, file.Text);
            Assert.DoesNotContain(Path.GetTempPath(), file.Text);
            Assert.DoesNotContain('\r', file.Text);
            Assert.DoesNotContain(Environment.MachineName, file.Text);
        }
    }

    /// <summary>A tiny model: what the reader of a project's generated files sees. Whole files where they are short, one method elsewhere.</summary>
    [Theory]
    [InlineData("layer", "Model.Layer00.g.cs", null)]
    [InlineData("tile-avx512", "Model.Avx512.Tiles.g.cs", "Tile2x")]
    [InlineData("tile-avx2", "Model.Avx2.Tiles.g.cs", "Tile4x")]
    [InlineData("tile-neon", "Model.Neon.Tiles.g.cs", "Tile3x")]
    [InlineData("tile-portable", "Model.Portable.Tiles.g.cs", "Tile1x")]
    [InlineData("norm", "Model.Avx2.g.cs", "RmsRow")]
    [InlineData("softmax", "Model.Avx2.g.cs", "Attention6x12Kv2Softmax")]
    [InlineData("attention", "Model.Avx2.g.cs", "Attention6x12Kv2")]
    [InlineData("attention-position", "Model.Avx2.g.cs", "Attention6x12Kv2Position")]
    [InlineData("attention-block", "Model.Avx2.g.cs", "Attention6x12Kv2Block")]
    [InlineData("cache-store-bf16", "Model.Avx2.g.cs", "Store16BF16", "bf16")]
    [InlineData("cache-scores-bf16", "Model.Avx512.Tiles.g.cs", "Cache3xScores16BF16(", "bf16")]
    [InlineData("cache-values-bf16", "Model.Avx512.Tiles.g.cs", "Cache3xValues16BF16(", "bf16")]
    [InlineData("attention-position-bf16", "Model.Avx512.g.cs", "Attention6x12Kv2Position", "bf16")]
    public void LooksAsBefore(string snapshot, string file, string? method, string cache = "f32")
    {
        string text = Emit("qwen2-biased", "bf16", cache).Single(emitted => emitted.HintName == file).Text;
        Snapshot.Match(snapshot, method is null ? text : Method(text, method));
    }

    /// <summary>Where it was measured to win, a projection asks for what it will write, before the product.</summary>
    [Theory]
    [InlineData("Avx512", true)]
    [InlineData("Avx2", false)]
    [InlineData("Neon", false)]
    [InlineData("Portable", false)]
    public void ProjectionsAskForWhatTheyWrite(string target, bool asks)
    {
        string kernels = Emit("qwen2-biased", "bf16").Single(file => file.HintName == $"Model.{target}.g.cs").Text;
        string[] panels = [.. kernels.Split("private static void Linear").Skip(1).Select(method => method.Split("/// <summary>")[0])];
        Assert.NotEmpty(panels);
        Assert.All(panels, panel => Assert.Equal(asks, Regex.IsMatch(panel, @"Ask\d+\(y, \d+, count\);\n\s+Product")));
    }

    /// <summary>A culture with nothing in common with C#: comma, another minus, grouped digits. ICU's own are not on every machine.</summary>
    private static CultureInfo Foreign()
    {
        CultureInfo culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NegativeSign = "\u2212";
        culture.NumberFormat.PositiveSign = "\u200f+";
        culture.NumberFormat.NumberGroupSeparator = ".";
        return culture;
    }

    private static EquatableArray<GeneratedFile> Emit(string model, string format, string cache = "f32")
    {
        ModelPlan plan = PlannedShapes.Plan(model, ConformanceConfigs.All[model], format, cache);
        return PlannedShapes.Emit(plan);
    }

    /// <summary>The first method whose name begins so, with what stands above it.</summary>
    private static string Method(string text, string name)
    {
        string[] lines = text.Split('\n');
        int at = Array.FindIndex(lines, line => line.Contains("static") && line.Contains($" {name}") && line.Contains('('));
        Assert.True(at >= 0, $"no method {name}…");
        int begin = Array.FindLastIndex(lines, at, line => line.Length == 0 || line.Trim() == "{") + 1;
        int indent = lines[at].Length - lines[at].TrimStart().Length;
        int end = Array.FindIndex(lines, at, line => line == new string(' ', indent) + "}");
        return string.Join('\n', lines[begin..(end + 1)]) + "\n";
    }
}

using System.Globalization;
using ModelCompiler.EndToEnd.Tests.CommandLine;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Synthesis;

/// <summary>A config.json without weights is read as strictly as one with them.</summary>
public sealed class ConfiguredModelTests
{
    private const string Llama = """{"model_type": "llama", "hidden_size": 40, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 99}""";

    public static TheoryData<string, string, string> Broken => new()
    {
        { Llama[..40], "", "MC001" },
        { "", "", "MC001" },
        { "[]", "", "(1,1): error MC004" },
        { "\"llama\"", "\"lama\"", "(1,16): error MC101" },
        { "\"hidden_size\": 40, ", "", "error MC003: hidden_size" },
        { "40", "\"40\"", "(1,40): error MC004: hidden_size" },
        { "40", "-40", "(1,40): error MC005: hidden_size" },
        { "layers\": 2", "layers\": 1000000", "error MC005: num_hidden_layers" },
        { "heads\": 4", "heads\": 5", "error MC007: num_key_value_heads" },
    };

    /// <summary>The second text replaces the first in the config; a first that is not there is the config.</summary>
    [Theory]
    [MemberData(nameof(Broken))]
    public void AConfigThatIsNoModelIsRefusedAtItsPlace(string text, string with, string expected)
    {
        string config = with.Length > 0 || text.StartsWith("\"hidden", StringComparison.Ordinal) ? Llama.Replace(text, with, StringComparison.Ordinal) : text;
        ModelFindingsException fault = Assert.Throws<ModelFindingsException>(() => ConfiguredModel.Of(new("config.json", config), "model", CancellationToken.None));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MC102", fault.Message, StringComparison.Ordinal); // a word of tensors
    }

    [Fact]
    public void SynthWritesNothingThen()
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json", Llama.Replace("heads\": 4", "heads\": 5", StringComparison.Ordinal));
        Finished refused = ChildProcess.Modelc("synth", folder["m"], "--config", folder["config.json"]).Expect(1);
        Assert.StartsWith($"{folder["config.json"]}(1,", refused.Error, StringComparison.Ordinal);
        Assert.Contains("error MC007: num_key_value_heads: found ", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["m"]));
        folder.Write("config.json", Llama);
        ChildProcess.Modelc("synth", folder["m"], "--config", folder["config.json"]).Expect(0);
        ChildProcess.Modelc("inspect", folder["m"]).Expect(0);
    }

    [Fact]
    public void TensorsAreNotListedForWhoCancelled()
    {
        string config = Llama.Replace("layers\": 2", string.Create(CultureInfo.InvariantCulture, $"layers\": {int.MaxValue}"), StringComparison.Ordinal);
        Assert.ThrowsAny<OperationCanceledException>(() => SyntheticTensors.Of(config, new CancellationToken(canceled: true)));
    }
}

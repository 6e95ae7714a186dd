using System.Text.RegularExpressions;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Tests.Inputs;

namespace ModelCompiler.Compiler.Tests.Graph;

/// <summary>One setting is wrong and the weights are right: it is named with its right value, and beside it only what would explain the shapes as well.</summary>
public class WrongSettingTests
{
    [Theory]
    [InlineData("shared", "hidden_size", 240, "hidden_size is 120")]
    [InlineData("shared", "hidden_size", 60, "hidden_size is 120")]
    [InlineData("shared", "hidden_size", 132, "hidden_size is 120")]
    [InlineData("shared", "intermediate_size", 57, "intermediate_size is 56")]
    [InlineData("shared", "vocab_size", 98, "vocab_size is 97")]
    [InlineData("shared", "num_attention_heads", 3, "num_attention_heads is 6")]
    [InlineData("shared", "num_attention_heads", 15, "num_attention_heads is 6")]
    [InlineData("shared", "num_attention_heads", 12, "num_key_value_heads is 6 or num_attention_heads is 6")] // 12 heads of 10 over 6, or 6 heads of 20 over 3
    [InlineData("shared", "num_key_value_heads", 1, "num_key_value_heads is 3 or num_attention_heads is 2")] // 6 heads of 20 over 3, or 2 heads of 60 over 1
    [InlineData("shared", "num_key_value_heads", 2, "num_key_value_heads is 3 or num_attention_heads is 4")]
    [InlineData("shared", "num_key_value_heads", 6, "num_key_value_heads is 3 or num_attention_heads is 12")]
    [InlineData("llama", "hidden_size", 80, "hidden_size is 40")]
    [InlineData("llama", "num_attention_heads", 12, "num_attention_heads is 6")]
    [InlineData("llama", "num_key_value_heads", 6, "num_key_value_heads is 3")]
    [InlineData("llama", "head_dim", 40, "head_dim is 20")]
    [InlineData("qwen3", "hidden_size", 80, "hidden_size is 40")]
    [InlineData("qwen3", "intermediate_size", 112, "intermediate_size is 56")]
    [InlineData("qwen3", "vocab_size", 96, "vocab_size is 97")]
    [InlineData("qwen3", "num_attention_heads", 3, "num_attention_heads is 6")]
    [InlineData("qwen3", "num_attention_heads", 12, "num_attention_heads is 6")]
    [InlineData("qwen3", "num_key_value_heads", 1, "num_key_value_heads is 3")]
    [InlineData("qwen3", "num_key_value_heads", 6, "num_key_value_heads is 3")]
    [InlineData("qwen3", "head_dim", 10, "head_dim is 20")]
    [InlineData("qwen3", "head_dim", 128, "head_dim is 20")]
    [InlineData("gpt2", "n_embd", 72, "n_embd is 36")]
    [InlineData("gpt2", "n_embd", 39, "n_embd is 36")]
    [InlineData("gpt2", "n_inner", 72, "n_inner is 144")]
    [InlineData("gpt2", "n_positions", 128, "n_positions is 64")]
    [InlineData("gpt2", "vocab_size", 50257, "vocab_size is 97")]
    [InlineData("gpt2 of usual width", "n_embd", 72, "n_embd is 36")] // what n_inner comes from, too
    public void IsBlamedAndNoRightOne(string name, string setting, int wrong, string blamed)
    {
        SyntheticModel model = Change(Of(name), setting, wrong);

        Assert.Null(model.Build());

        ModelDiagnostic diagnostic = Assert.Single(model.Diagnostics);
        Assert.Equal("MC103", diagnostic.Rule.Id);
        Assert.Matches($@" By (its shape|their shapes), {blamed}\. Config and weights ", diagnostic.Message);
        Assert.Equal(LineOf(model, blamed.Split(' ')[0]), diagnostic.Where.Line);
        Assert.Contains($"{setting} is {ValueOf(Of(name), setting)}", blamed);
        foreach (Match suspect in Regex.Matches(blamed, @"(\w+) is (\d+)"))
        {
            Change(Change(Of(name), setting, wrong), suspect.Groups[1].Value, int.Parse(suspect.Groups[2].Value)).BuildCleanly();
        }
    }

    [Theory]
    [InlineData("shared", "num_hidden_layers")]
    [InlineData("qwen3", "num_hidden_layers")]
    [InlineData("gpt2", "n_layer")]
    public void OfTheLayersIsBlamedForTensorsThatAreMissingOrTooMany(string name, string setting)
    {
        SyntheticModel more = Change(Of(name), setting, 3), fewer = Change(Of(name), setting, 1);

        Assert.Null(more.Build());
        Assert.NotNull(fewer.Build());

        Assert.Equal(LineOf(more, setting), Assert.Single(more.Diagnostics).Where.Line);
        Assert.Contains($"found the tensors of 2 layers, expected 3 layers ({setting})", more.Diagnostics[0].Message);
        Assert.Contains($"The files hold 2 layers, but {setting} is 1: correct it", Assert.Single(fewer.Diagnostics).Message);
    }

    /// <summary>No tensor of GPT-2 is sized by the heads: only a number that does not divide the width is seen.</summary>
    [Fact]
    public void OfHeadsThatSizeNothingIsSeenWhereItDoesNotDivideTheWidth()
    {
        SyntheticModel model = Change(Of("gpt2"), "n_head", 5);

        Assert.Null(model.Build());

        Found.Single(model.Diagnostics, "MC007", LineOf(model, "n_head"), 13, "n_head: found n_head 5, and n_embd 36, expected a divisor of n_embd 36.");
    }

    /// <summary>Two are wrong: what one of them is by itself is not guessed from a product with the other.</summary>
    [Fact]
    public void BesideAnotherIsNotGivenAValueThatTensorsOfItsOwnContradict()
    {
        SyntheticModel model = Change(Change(Of("qwen3"), "head_dim", 24), "num_key_value_heads", 2);

        Assert.Null(model.Build());

        Assert.All(model.Diagnostics, diagnostic => Assert.DoesNotMatch(@"head_dim is (?!20\b)", diagnostic.Message));
        Assert.Contains(model.Diagnostics, diagnostic => diagnostic.Message.Contains("head_dim is 20. "));
    }

    private static SyntheticModel Of(string name) => name switch
    {
        "shared" => SyntheticModel.LlamaOfSharedWidth(),
        "gpt2" => SyntheticModel.Gpt2().With("\"n_inner\": null", "\"n_inner\": 144"),
        "gpt2 of usual width" => SyntheticModel.Gpt2(),
        _ => SyntheticModel.Of(name),
    };

    private static SyntheticModel Change(SyntheticModel model, string setting, int value) => model.With($"\"{setting}\": {ValueOf(model, setting)},", $"\"{setting}\": {value},");

    private static int ValueOf(SyntheticModel model, string setting) => int.Parse(Place(model, setting).Groups[1].Value);

    private static int LineOf(SyntheticModel model, string setting) => model.Inputs.Config.File.Text[..Place(model, setting).Index].Count(c => c == '\n') + 1;

    private static Match Place(SyntheticModel model, string setting)
    {
        Match place = Regex.Match(model.Inputs.Config.File.Text, $"\"{setting}\": (\\d+)");
        Assert.True(place.Success, setting);
        return place;
    }
}

using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Tests.Inputs;

namespace ModelCompiler.Compiler.Tests.Graph;

/// <summary>A mistake in a model is an error at its line: id, place, what was found, what was expected, what to do.</summary>
public class MistakesTests
{
    [Theory]
    [InlineData("MC001", "\"silu\",", "\"silu\"", 13, 3, "found '\"'")]
    [InlineData("MC002", "\"rms_norm_eps\"", "\"hidden_size\"", 11, 3, "'hidden_size' a second time")]
    [InlineData("MC003", "\"hidden_size\": 40,", "", 1, 1, "hidden_size: found nothing, expected a whole number from 1 to 65536")]
    [InlineData("MC003", "\"vocab_size\": 97", "\"vocab_size\": null", 9, 17, "vocab_size: found nothing")]
    [InlineData("MC003", "\"model_type\": \"llama\"", "\"architectures\": [\"LlamaForCausalLM\"]", 1, 1, "model_type")]
    [InlineData("MC004", "\"hidden_size\": 40", "\"hidden_size\": \"40\"", 3, 18, "found the string '40'")]
    [InlineData("MC004", "\"hidden_size\": 40", "\"hidden_size\": 40.5", 3, 18, "found the number 40.5")]
    [InlineData("MC004", "\"hidden_size\": 40", "\"hidden_size\": [40]", 3, 18, "found a list")]
    [InlineData("MC004", "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": 0", 13, 26, "expected true or false")]
    [InlineData("MC004", "\"hidden_act\": \"silu\"", "\"hidden_act\": {}", 12, 17, "expected a string")]
    [InlineData("MC004", "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": true", 11, 19, "found true")]
    [InlineData("MC005", "\"hidden_size\": 40", "\"hidden_size\": 0", 3, 18, "found the number 0, expected a whole number from 1 to 65536")]
    [InlineData("MC005", "\"hidden_size\": 40", "\"hidden_size\": -40", 3, 18, "-40")]
    [InlineData("MC005", "\"hidden_size\": 40", "\"hidden_size\": 99999999999999999999999999", 3, 18, "65536")]
    [InlineData("MC005", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1025", 5, 24, "1024")]
    [InlineData("MC005", "\"vocab_size\": 97", "\"vocab_size\": 16777217", 9, 17, "16777216")]
    [InlineData("MC005", "\"max_position_embeddings\": 256", "\"max_position_embeddings\": 134217729", 10, 30, "134217728")]
    [InlineData("MC005", "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": -1", 11, 19, "rms_norm_eps")]
    [InlineData("MC005", "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": 1e999", 11, 19, "rms_norm_eps")]
    [InlineData("MC005", "[2, 3]", "[2, 97]", 15, 23, "from 0 to 96")]
    [InlineData("MC005", "\"bos_token_id\": 1", "\"bos_token_id\": 97", 14, 19, "from 0 to 96")]
    [InlineData("MC006", "\"silu\"", "\"mish\"", 12, 17, "hidden_act: found the string 'mish', expected one of silu, swish, gelu")]
    [InlineData("MC006", "\"rms_norm_eps\": 1e-05", "\"quantization_config\": {\"bits\": 4}", 11, 26, "quantization_config")]
    [InlineData("MC006", "\"rms_norm_eps\": 1e-05", "\"partial_rotary_factor\": 0.5", 11, 28, "partial_rotary_factor")]
    [InlineData("MC007", "\"num_key_value_heads\": 3", "\"num_key_value_heads\": 4", 7, 26, "a divisor of num_attention_heads 6")]
    [InlineData("MC007", "\"head_dim\": 20,", "", 6, 26, "a divisor of hidden_size 40")]
    [InlineData("MC007", "\"head_dim\": 20", "\"head_dim\": 21", 8, 15, "heads of 21 elements")]
    [InlineData("MC101", "\"llama\"", "\"mamba\"", 2, 17, "found the string 'mamba', expected one of gpt2, llama, mistral, qwen2, qwen3")]
    [InlineData("MC101", "\"llama\"", "\"\\u001b[31mred\\n\"", 2, 17, "'\\u001B[31mred\\u000A'")]
    [InlineData("MC102", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 4", 5, 24, "found the tensors of 2 layers, expected 4 layers (num_hidden_layers)")]
    [InlineData("MC103", "\"vocab_size\": 97", "\"vocab_size\": 96", 9, 17, "[97, 40] in model.safetensors, expected [96, 40] (vocab_size, hidden_size). By their shapes, vocab_size is 97. Config")]
    [InlineData("MC103", "\"num_key_value_heads\": 3", "\"num_key_value_heads\": 2", 7, 26, "[40, 40] (num_key_value_heads × head_dim, hidden_size). By their shapes, num_key_value_heads is 3. ")]
    [InlineData(
        "MC103", "\"hidden_size\": 40", "\"hidden_size\": 44", 3, 18,
        "tensor 'model.embed_tokens.weight' and 20 more ('model.layers.0.input_layernorm.weight', 'model.layers.0.self_attn.q_proj.weight', 'model.layers.0.self_attn.k_proj.weight', …): found [97, 40] in model.safetensors, expected [97, 44] (vocab_size, hidden_size). By their shapes, hidden_size is 40. Config")]
    [InlineData("MC103", "\"head_dim\": 20", "\"head_dim\": 24", 8, 15, "and 7 more ('model.layers.0.self_attn.k_proj.weight', ")]
    [InlineData("MC103", "\"num_attention_heads\": 6", "\"num_attention_heads\": 3", 6, 26, "By their shapes, num_attention_heads is 6. ")]
    [InlineData("MC104", "\"rms_norm_eps\": 1e-05", "\"rope_scaling\": {\"rope_type\": \"yarn\"}", 11, 33, "rope_scaling.rope_type: found the string 'yarn', expected one of default, linear, llama3")]
    [InlineData("MC104", "\"rms_norm_eps\": 1e-05", "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}", 11, 28, "rope_scaling.type")]
    [InlineData("MC003", "\"rms_norm_eps\": 1e-05", "\"rope_scaling\": {\"type\": \"linear\"}", 11, 19, "rope_scaling.factor")]
    [InlineData("MC003", "\"rms_norm_eps\": 1e-05", "\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 1000000}}", 11, 22, "rope_parameters.rope_type")]
    [InlineData("MC004", "\"rms_norm_eps\": 1e-05", "\"rope_scaling\": \"linear\"", 11, 19, "an object")]
    [InlineData("MC005", "\"rms_norm_eps\": 1e-05", "\"rope_theta\": 0", 11, 17, "rope_theta")]
    [InlineData(
        "MC005", "\"rms_norm_eps\": 1e-05",
        "\"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 8}",
        11, 93, "more than low_freq_factor")]
    public void AMistakeInTheConfigIsPlaced(
        string id, string text, string replacement, int line, int column, string mention)
    {
        SyntheticModel model = SyntheticModel.Llama().With(text, replacement);

        Assert.Null(model.Build());

        Assert.Equal("config.json", Found.Single(model.Diagnostics, id, line, column, mention).Where.File);
    }

    /// <summary>No one setting explains all: each is told, by the first size of a tensor that contradicts it.</summary>
    [Fact]
    public void EachWrongSizeIsOneError()
    {
        SyntheticModel model = SyntheticModel.Llama().With("\"hidden_size\": 40", "\"hidden_size\": 44").With("\"intermediate_size\": 56", "\"intermediate_size\": 57");

        Assert.Null(model.Build());

        Assert.Equal(["MC103", "MC103"], model.Diagnostics.Select(diagnostic => diagnostic.Rule.Id));
        Found.Single([model.Diagnostics[0]], "MC103", 3, 18, "By their shapes, hidden_size is 40. ");
        Found.Single([model.Diagnostics[1]], "MC103", 4, 24, "By their shapes, intermediate_size is 56. ");
    }

    /// <summary>Where a size may come from either of two settings.</summary>
    [Fact]
    public void EverySettingThatExplainsAWrongSizeIsNamed()
    {
        SyntheticModel model = SyntheticModel.Llama().With("\"num_key_value_heads\": 3,", "").With("\"head_dim\": 20", "\"head_dim\": 40");
        foreach (string tensor in new[] { "0.self_attn.k_proj", "0.self_attn.v_proj", "1.self_attn.k_proj", "1.self_attn.v_proj" })
        {
            model.Change($"model.layers.{tensor}.weight", info => info with { Shape = new([120, 40]) });
        }

        Assert.Null(model.Build());

        Found.Single(model.Diagnostics, "MC103", 6, 26, "By their shapes, num_attention_heads is 3 or head_dim is 20. ");
    }

    [Fact]
    public void TensorsThatAreMissingAreOneError()
    {
        SyntheticModel model = SyntheticModel.Llama().Without("model.norm.weight").Without("model.layers.0.mlp.up_proj.weight");

        Assert.Null(model.Build());

        Found.Single(model.Diagnostics, "MC102", 2, 17, "tensor 'model.layers.0.mlp.up_proj.weight' and 1 more ('model.norm.weight'): found nothing, expected [56, 40] ");
    }

    [Fact]
    public void EveryMistakeIsShownAtOnce()
    {
        SyntheticModel model = SyntheticModel.Llama().With("\"hidden_size\": 40", "\"hidden_size\": 0")
            .With("\"silu\"", "\"mish\"").With("\"num_hidden_layers\": 2,", "");

        Assert.Null(model.Build());

        Assert.Equal(["MC005", "MC003", "MC006"], model.Diagnostics.Select(diagnostic => diagnostic.Rule.Id));
    }

    [Fact]
    public void AMissingTensorIsNamed()
    {
        SyntheticModel model = SyntheticModel.Llama().Without("model.layers.1.mlp.up_proj.weight");

        Assert.Null(model.Build());

        Found.Single(
            model.Diagnostics, "MC102", 2, 17,
            "tensor 'model.layers.1.mlp.up_proj.weight': found nothing, expected [56, 40] (intermediate_size, hidden_size)");
    }

    /// <summary>A setting that asks for tensors which are not there is told where it stands.</summary>
    [Theory]
    [InlineData(
        "\"attention_bias\": true", 16, 21,
        "tensor 'model.layers.0.self_attn.q_proj.bias' and 7 more ('model.layers.0.self_attn.k_proj.bias', 'model.layers.0.self_attn.v_proj.bias', 'model.layers.0.self_attn.o_proj.bias', …): found nothing, expected [120] (num_attention_heads × head_dim) in a weight file, because attention_bias is true. If the model has none, set attention_bias to false; otherwise see that all shards are there.")]
    [InlineData("\"mlp_bias\": true", 16, 15, "[56] (intermediate_size) in a weight file, because mlp_bias is true. If the model has none, set mlp_bias to false;")]
    public void ASettingThatAsksForWhatIsNotThereIsTold(string setting, int line, int column, string mention)
    {
        SyntheticModel model = SyntheticModel.Llama().Set(setting);

        Assert.Null(model.Build());

        Assert.Equal("config.json", Found.Single(model.Diagnostics, "MC102", line, column, mention).Where.File);
    }

    [Theory]
    [InlineData("llama", "\"tie_word_embeddings\": false", 13, 26, "because tie_word_embeddings is false. If the model has none, set tie_word_embeddings to true; otherwise")]
    [InlineData("mistral", "\"use_cache\": true", 1, 1, "because tie_word_embeddings is not set, and so false. If")]
    public void AnUntiedHeadMustBeThere(string family, string setting, int line, int column, string mention)
    {
        SyntheticModel model = SyntheticModel.Llama(family).With("\"tie_word_embeddings\": false", setting).Without("lm_head.weight");

        Assert.Null(model.Build());

        Found.Single(model.Diagnostics, "MC102", line, column, "tensor 'lm_head.weight': found nothing, expected [97, 40] (vocab_size, hidden_size) in a weight file, " + mention);
    }

    /// <summary>Each setting is one error; what the files hold a part of is asked for rightly.</summary>
    [Fact]
    public void SettingsAreToldApartAndOnesThatAreRightAreNot()
    {
        SyntheticModel model = SyntheticModel.Llama().Set("\"attention_bias\": true, \"mlp_bias\": true").Without("lm_head.weight").Add("model.layers.0.self_attn.q_proj.bias", 120);

        Assert.Null(model.Build());

        Assert.Equal(["MC102", "MC102", "MC102"], model.Diagnostics.Select(diagnostic => diagnostic.Rule.Id));
        Found.Single([model.Diagnostics[0]], "MC102", 2, 17, "'model.layers.0.self_attn.k_proj.bias' and 6 more");
        Found.Single([model.Diagnostics[1]], "MC102", 16, 39, "because mlp_bias is true");
        Found.Single([model.Diagnostics[2]], "MC102", 13, 26, "because tie_word_embeddings is false");
    }

    [Fact]
    public void TensorsThatASettingLeavesOutAreAWarningThere()
    {
        SyntheticModel model = SyntheticModel.Llama().Set("\"mlp_bias\": false").Add("model.layers.0.mlp.gate_proj.bias", 56).Add("model.layers.0.self_attn.q_norm.weight", 20)
            .Add("model.layers.1.self_attn.q_proj.bias", 120);

        Assert.NotNull(model.Build());

        Assert.Equal(["MC105", "MC105", "MC105"], model.Diagnostics.Select(diagnostic => diagnostic.Rule.Id));
        Found.Single(
            [model.Diagnostics[0]], "MC105", 16, 15,
            "1 tensor(s) that nothing uses: 'model.layers.0.mlp.gate_proj.bias', expected each tensor to be used, but mlp_bias is false. If the model needs them, set mlp_bias to true; otherwise remove them from the file.");
        Found.Single([model.Diagnostics[1]], "MC105", 0, 0, "'model.layers.0.self_attn.q_norm.weight', expected each tensor to be used. If the model needs them, its config");
        Found.Single([model.Diagnostics[2]], "MC105", 1, 1, "attention_bias is not set, and so false");
    }

    [Fact]
    public void AFusedTensorIsReportedOnce()
    {
        SyntheticModel model = SyntheticModel.Gpt2().Change("transformer.h.1.attn.c_attn.weight", tensor => tensor with { Shape = new([108, 36]) });

        Assert.Null(model.Build());

        Found.Single(model.Diagnostics, "MC103", 3, 13, "[108, 36] in model.safetensors, expected [36, 108] (n_embd, 3 × n_embd)");
    }

    [Fact]
    public void ATensorOfAnUnsupportedTypeIsAnErrorOnlyWhereItIsUsed()
    {
        SyntheticModel model = SyntheticModel.Llama()
            .Change("model.norm.weight", tensor => tensor with { Type = TensorType.Unsupported, TypeName = "F8_E4M3" });

        Assert.Null(model.Build());

        ModelDiagnostic diagnostic = Found.Single(model.Diagnostics, "MC014", 0, 0, "tensor 'model.norm.weight': found F8_E4M3");
        Assert.Equal(SyntheticModel.WeightsFile, diagnostic.Where.File);
    }

    [Fact]
    public void UnusedTensorsAreAWarningThatNamesThem()
    {
        SyntheticModel model = SyntheticModel.Llama().Add("model.layers.0.self_attn.q_norm.weight", 20)
            .Add("model.layers.0.self_attn.rotary_emb.inv_freq", 10);

        Assert.NotNull(model.Build());

        ModelDiagnostic diagnostic = Found.Single(model.Diagnostics, "MC105", 0, 0, "1 tensor(s) that nothing uses: 'model.layers.0.self_attn.q_norm.weight'");
        Assert.Equal(DiagnosticSeverity.Warning, diagnostic.Rule.Severity);
    }

    [Theory]
    [InlineData("\"rms_norm_eps\": 1e-05", "\"rms_norm_esp\": 1e-05", 11, 3, "rms_norm_esp: found a setting that nothing reads, expected perhaps rms_norm_eps,")]
    [InlineData("\"rms_norm_eps\"", "\"rmsNormEps\"", 11, 3, "perhaps rms_norm_eps,")]
    [InlineData("\"max_position_embeddings\"", "\"max_position_embedings\"", 10, 3, "perhaps max_position_embeddings,")]
    [InlineData("\"head_dim\": 20", "\"head_dim\": 20, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 64, \"rope_thetaa\": 5e5}", 8, 163, "rope_scaling.rope_thetaa: found a setting that nothing reads, expected perhaps rope_scaling.rope_theta,")]
    public void ASettingThatLooksMisspeltIsAWarningWhereItStands(string text, string replacement, int line, int column, string mention)
    {
        SyntheticModel model = SyntheticModel.Llama().With(text, replacement);

        Assert.NotNull(model.Build());

        Assert.Equal(DiagnosticSeverity.Warning, Found.Single(model.Diagnostics, "MC008", line, column, mention).Rule.Severity);
    }

    [Fact]
    public void AMisspeltSettingThatIsRequiredIsNamedBesideTheOneThatIsMissing()
    {
        SyntheticModel model = SyntheticModel.Llama().With("\"hidden_size\"", "\"hidden_sise\"");

        Assert.Null(model.Build());

        Assert.Equal(["MC003", "MC008"], model.Diagnostics.Select(diagnostic => diagnostic.Rule.Id).Order());
    }

    /// <summary>What the libraries of published models write into configs besides what we read.</summary>
    [Theory]
    [InlineData("\"pad_token_id\": 0, \"cls_token_id\": 1, \"sep_token_id\": 2, \"unk_token_id\": 3, \"torch_dtype\": \"float32\", \"dtype\": \"float32\", \"use_cache\": true, \"pretraining_tp\": 1")]
    [InlineData("\"attention_dropout\": 0.0, \"hidden_dropout\": 0.0, \"initializer_range\": 0.02, \"transformers_version\": \"4.57.0\", \"_name_or_path\": \"x\", \"layer_norm_eps\": 1e-5")]
    [InlineData("\"n_ctx\": 256, \"n_embd\": 40, \"n_head\": 2, \"n_layer\": 2, \"head_size\": 20, \"num_heads\": 2, \"num_layers\": 2, \"max_sequence_length\": 256, \"max_length\": 20")]
    public void SettingsOfOthersAreNoMisspellings(string settings)
    {
        SyntheticModel model = SyntheticModel.Llama().With("\"bos_token_id\": 1,", "").With("\"head_dim\": 20,", $"\"head_dim\": 20, {settings},");

        Assert.NotNull(model.Build());

        Assert.Empty(model.Diagnostics);
    }

    [Fact]
    public void LayersThatTheConfigLeavesOutAreNamedInTheWarning()
    {
        SyntheticModel model = SyntheticModel.Gpt2().With("\"n_layer\": 2", "\"n_layer\": 1");

        Assert.NotNull(model.Build());

        Found.Single(model.Diagnostics, "MC105", 0, 0, "The files hold 2 layers, but n_layer is 1: correct it");
    }

    [Fact]
    public void ATensorNameThatCouldBecomeCodeStopsTheBuild()
    {
        SyntheticModel model = SyntheticModel.Llama().Add("x\"; System.Environment.Exit(1); //", 1);

        Assert.Null(model.Build());

        Found.Single(model.Diagnostics, "MC010", 0, 0);
    }

    [Fact]
    public void AWindowMustBeASize()
    {
        SyntheticModel model = SyntheticModel.Llama("mistral").Set("\"sliding_window\": 0");

        Assert.Null(model.Build());

        Found.Single(model.Diagnostics, "MC005", 16, 21, "sliding_window");
    }

    [Theory]
    [InlineData("MC007", "[\"full_attention\"]", "2 (num_hidden_layers)")]
    [InlineData("MC006", "[\"full_attention\", \"linear_attention\"]", "'linear_attention'")]
    [InlineData("MC004", "[1, 2]", "a list of strings")]
    public void LayerTypesAreChecked(string id, string types, string mention)
    {
        SyntheticModel model = SyntheticModel.Llama("qwen2", qkvBias: true)
            .Set($"\"use_sliding_window\": true, \"sliding_window\": 8, \"layer_types\": {types}");

        Assert.Null(model.Build());

        Found.Single(model.Diagnostics, id, 16, 67, mention);
    }
}

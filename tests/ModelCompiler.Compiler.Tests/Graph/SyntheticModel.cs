using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Tests.Graph;

/// <summary>A small model in memory: a config in the published spelling, and the tensors that belong to it, without data.</summary>
internal sealed class SyntheticModel(string config, params (string Name, int[] Shape)[] tensors)
{
    public const string ConfigFile = "config.json";

    public const string WeightsFile = "model.safetensors";

    public List<ModelDiagnostic> Diagnostics { get; } = [];

    private List<TensorInfo> Tensors { get; } =
        [.. tensors.Select(tensor => new TensorInfo(tensor.Name, TensorType.F32, new(tensor.Shape), WeightsFile, 0, 0))];

    private string Config { get; set; } = config;

    public ModelInputs Inputs => new("tiny", new ModelConfig(new TextFile(ConfigFile, Config)), Tensors.ToEquatable());

    public ModelGraph? Build() => ModelGraphBuilder.Build(Inputs, Diagnostics);

    /// <summary>The graph of a model that has no mistake.</summary>
    public ModelGraph BuildCleanly()
    {
        ModelGraph? graph = Build();
        Assert.Empty(Diagnostics);
        Assert.NotNull(graph);
        return graph;
    }

    /// <summary>Replaces text of the config, which must be there.</summary>
    public SyntheticModel With(string text, string replacement)
    {
        Assert.Contains(text, Config);
        Config = Config.Replace(text, replacement);
        return this;
    }

    /// <summary>Adds a setting as the last line of the config.</summary>
    public SyntheticModel Set(string property) => With("\n}", $",\n  {property}\n}}");

    public SyntheticModel Without(string tensor)
    {
        Assert.Equal(1, Tensors.RemoveAll(candidate => candidate.Name == tensor));
        return this;
    }

    public SyntheticModel Add(string tensor, params int[] shape)
    {
        Tensors.Add(new TensorInfo(tensor, TensorType.F32, new(shape), WeightsFile, 0, 0));
        return this;
    }

    public SyntheticModel Change(string tensor, Func<TensorInfo, TensorInfo> change)
    {
        int index = Tensors.FindIndex(candidate => candidate.Name == tensor);
        Tensors[index] = change(Tensors[index]);
        return this;
    }

    /// <summary>A model of any family.</summary>
    public static SyntheticModel Of(string family)
        => family == "gpt2" ? Gpt2() : Llama(family, qkvBias: family == "qwen2", headNorms: family == "qwen3");

    /// <summary>Two layers of Llama whose heads share the width: dim 120, 6 heads over 3, vocabulary 97.</summary>
    public static SyntheticModel LlamaOfSharedWidth() => Llama(dim: 120).With("\"head_dim\": 20,", "");

    /// <summary>Two layers of the Llama line: 6 heads over 3, head size 20, vocabulary 97.</summary>
    public static SyntheticModel Llama(string family = "llama", bool qkvBias = false, bool headNorms = false, int dim = 40) => new(
        $$"""
        {
          "model_type": "{{family}}",
          "hidden_size": {{dim}},
          "intermediate_size": 56,
          "num_hidden_layers": 2,
          "num_attention_heads": 6,
          "num_key_value_heads": 3,
          "head_dim": 20,
          "vocab_size": 97,
          "max_position_embeddings": 256,
          "rms_norm_eps": 1e-05,
          "hidden_act": "silu",
          "tie_word_embeddings": false,
          "bos_token_id": 1,
          "eos_token_id": [2, 3]
        }
        """,
        [
            ("model.embed_tokens.weight", [97, dim]),
            .. Enumerable.Range(0, 2).SelectMany(layer => LlamaLayer($"model.layers.{layer}.", dim, qkvBias, headNorms)),
            ("model.norm.weight", [dim]),
            ("lm_head.weight", [97, dim]),
        ]);

    /// <summary>Two layers of GPT-2: dim 36, 3 heads, vocabulary 97, 64 positions.</summary>
    public static SyntheticModel Gpt2(string prefix = "transformer.") => new(
        """
        {
          "model_type": "gpt2",
          "n_embd": 36,
          "n_layer": 2,
          "n_head": 3,
          "n_inner": null,
          "n_positions": 64,
          "vocab_size": 97,
          "activation_function": "gelu_new",
          "layer_norm_epsilon": 1e-05
        }
        """,
        [
            (prefix + "wte.weight", [97, 36]),
            (prefix + "wpe.weight", [64, 36]),
            .. Enumerable.Range(0, 2).SelectMany(layer => Gpt2Layer($"{prefix}h.{layer}.")),
            (prefix + "ln_f.weight", [36]),
            (prefix + "ln_f.bias", [36]),
        ]);

    private static IEnumerable<(string, int[])> LlamaLayer(string prefix, int dim, bool qkvBias, bool headNorms) =>
    [
        (prefix + "input_layernorm.weight", [dim]),
        .. Projection(prefix + "self_attn.q_proj", 120, dim, qkvBias),
        .. Projection(prefix + "self_attn.k_proj", 60, dim, qkvBias),
        .. Projection(prefix + "self_attn.v_proj", 60, dim, qkvBias),
        .. Projection(prefix + "self_attn.o_proj", dim, 120, false),
        .. headNorms ? new (string, int[])[] { (prefix + "self_attn.q_norm.weight", [20]), (prefix + "self_attn.k_norm.weight", [20]) } : [],
        (prefix + "post_attention_layernorm.weight", [dim]),
        (prefix + "mlp.gate_proj.weight", [56, dim]),
        (prefix + "mlp.up_proj.weight", [56, dim]),
        (prefix + "mlp.down_proj.weight", [dim, 56]),
    ];

    private static IEnumerable<(string, int[])> Gpt2Layer(string prefix) =>
    [
        (prefix + "ln_1.weight", [36]),
        (prefix + "ln_1.bias", [36]),
        .. Projection(prefix + "attn.c_attn", 36, 108, false),
        (prefix + "attn.c_attn.bias", [108]),
        .. Projection(prefix + "attn.c_proj", 36, 36, true),
        (prefix + "ln_2.weight", [36]),
        (prefix + "ln_2.bias", [36]),
        .. Projection(prefix + "mlp.c_fc", 36, 144, false),
        (prefix + "mlp.c_fc.bias", [144]),
        .. Projection(prefix + "mlp.c_proj", 144, 36, false),
        (prefix + "mlp.c_proj.bias", [36]),
    ];

    private static IEnumerable<(string, int[])> Projection(string name, int rows, int columns, bool bias)
        => bias ? [(name + ".weight", [rows, columns]), (name + ".bias", [rows])] : [(name + ".weight", [rows, columns])];
}

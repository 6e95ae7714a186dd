namespace ModelCompiler.Tool.Synthesis;

/// <summary>The config.json of well-known models, by the names that <c>modelc synth --like</c> takes.</summary>
public static class SyntheticConfigs
{
    /// <summary>Published shapes.</summary>
    public static IReadOnlyDictionary<string, string> Published { get; } = new Dictionary<string, string>
    {
        ["gpt2-124m"] = """
            {
              "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
              "n_layer": 12, "n_head": 12, "n_embd": 768, "n_positions": 1024, "n_ctx": 1024, "vocab_size": 50257,
              "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05, "bos_token_id": 50256, "eos_token_id": 50256
            }
            """,
        ["qwen3-0.6b"] = """
            {
              "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3",
              "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
              "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960,
              "rms_norm_eps": 1e-06, "rope_theta": 1000000, "rope_scaling": null, "hidden_act": "silu", "attention_bias": false,
              "sliding_window": null, "use_sliding_window": false, "max_window_layers": 28, "tie_word_embeddings": true,
              "bos_token_id": 151643, "eos_token_id": 151645
            }
            """,
        ["tinyllama-1.1b"] = """
            {
              "architectures": ["LlamaForCausalLM"], "model_type": "llama",
              "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_attention_heads": 32,
              "num_key_value_heads": 4, "vocab_size": 32000, "max_position_embeddings": 2048, "rms_norm_eps": 1e-05,
              "rope_theta": 10000.0, "rope_scaling": null, "hidden_act": "silu", "attention_bias": false,
              "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2
            }
            """,
        ["stories15m"] = """
            {
              "architectures": ["LlamaForCausalLM"], "model_type": "llama",
              "hidden_size": 288, "intermediate_size": 768, "num_hidden_layers": 6, "num_attention_heads": 6,
              "num_key_value_heads": 6, "vocab_size": 32000, "max_position_embeddings": 256, "rms_norm_eps": 1e-05,
              "rope_theta": 10000.0, "rope_scaling": null, "hidden_act": "silu", "attention_bias": false,
              "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2
            }
            """,
    };

    /// <summary>Small models of odd shapes, one for each turn that a family can take: for tests.</summary>
    public static IReadOnlyDictionary<string, string> Small { get; } = new Dictionary<string, string>
    {
        ["llama-head20"] = Llama("llama", dim: 40, hiddenDim: 100, layers: 2, heads: 2, kvHeads: 1, vocab: 97, tied: true),
        ["llama-untied"] = Llama("llama", dim: 48, hiddenDim: 80, layers: 2, heads: 4, kvHeads: 4, vocab: 130, tied: false),
        ["llama-3of6"] = Llama("llama", dim: 96, hiddenDim: 144, layers: 2, heads: 6, kvHeads: 3, vocab: 65, tied: false),
        ["llama-biased"] = Llama("llama", dim: 56, hiddenDim: 72, layers: 2, heads: 7, kvHeads: 1, vocab: 97, tied: true, """
            "attention_bias": true, "mlp_bias": true,
            """),
        ["llama-linear"] = Llama("llama", dim: 64, hiddenDim: 96, layers: 2, heads: 4, kvHeads: 2, vocab: 97, tied: true, """
            "rope_scaling": {"rope_type": "linear", "factor": 4.0},
            """),
        ["llama-llama3"] = Llama("llama", dim: 64, hiddenDim: 96, layers: 2, heads: 2, kvHeads: 1, vocab: 97, tied: true, """
            "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                             "original_max_position_embeddings": 64},
            """),
        ["mistral-window8"] = Llama("mistral", dim: 64, hiddenDim: 120, layers: 2, heads: 4, kvHeads: 2, vocab: 97, tied: false, """
            "sliding_window": 8,
            """),
        ["qwen2-biased"] = Llama("qwen2", dim: 72, hiddenDim: 100, layers: 2, heads: 6, kvHeads: 2, vocab: 113, tied: true),
        ["qwen3-head24"] = Llama("qwen3", dim: 40, hiddenDim: 104, layers: 2, heads: 4, kvHeads: 2, vocab: 97, tied: true, """
            "head_dim": 24, "attention_bias": false,
            """),
        ["gpt2-tied"] = Gpt2(dim: 48, layers: 2, heads: 3, vocab: 97, tied: true),
        ["gpt2-untied"] = Gpt2(dim: 40, layers: 2, heads: 2, vocab: 67, tied: false, """
            "n_inner": 100, "activation_function": "gelu",
            """),
    };

    private static string Llama(
        string family, int dim, int hiddenDim, int layers, int heads, int kvHeads, int vocab, bool tied, string more = "") => $$"""
        {
          "model_type": "{{family}}",
          "hidden_size": {{dim}}, "intermediate_size": {{hiddenDim}}, "num_hidden_layers": {{layers}},
          "num_attention_heads": {{heads}}, "num_key_value_heads": {{kvHeads}}, "vocab_size": {{vocab}},
          "max_position_embeddings": 256, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "silu",
          {{more.Trim()}}
          "tie_word_embeddings": {{(tied ? "true" : "false")}}, "bos_token_id": 1, "eos_token_id": 2
        }
        """;

    private static string Gpt2(int dim, int layers, int heads, int vocab, bool tied, string more = "") => $$"""
        {
          "model_type": "gpt2", "n_embd": {{dim}}, "n_layer": {{layers}}, "n_head": {{heads}}, "n_positions": 256, "n_ctx": 256,
          "vocab_size": {{vocab}}, "layer_norm_epsilon": 1e-05,
          {{(more.Length > 0 ? more.Trim() : "\"activation_function\": \"gelu_new\",")}}
          "tie_word_embeddings": {{(tied ? "true" : "false")}}, "bos_token_id": 0, "eos_token_id": 0
        }
        """;
}

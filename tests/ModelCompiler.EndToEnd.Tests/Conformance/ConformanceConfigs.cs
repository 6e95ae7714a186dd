using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>
/// The shapes of the theory: one for each turn that a family can take (<see cref="SyntheticConfigs.Small"/>), and those below, each of
/// which reaches a turn of the planner or of a kernel that small sizes do not.
/// </summary>
internal static class ConformanceConfigs
{
    /// <summary>config.json by name.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>(SyntheticConfigs.Small)
    {
        // Inner dimensions that exceed a block of the L2 cache: 4128 = 3 · 1376 (f32) = 2 · 2064 (f16, bf16).
        ["blocked-wide"] = Llama("llama", dim: 4128, hiddenDim: 24, heads: 2, kvHeads: 1, headDim: 16, vocab: 21, """
            "attention_bias": true, "mlp_bias": true,
            """),
        ["blocked-down"] = Llama("llama", dim: 48, hiddenDim: 4128, heads: 2, kvHeads: 2, headDim: 24, vocab: 97),
        ["blocked-gpt2"] = """
            {
              "model_type": "gpt2", "n_embd": 32, "n_inner": 4128, "n_layer": 1, "n_head": 2, "n_positions": 512, "n_ctx": 512,
              "vocab_size": 33, "layer_norm_epsilon": 1e-05, "activation_function": "gelu_new", "bos_token_id": 0, "eos_token_id": 0
            }
            """,

        // Heads of whole panels, of more than one, and of one with a rest; groups of 4, 7 and 8 queries.
        ["head64-group8"] = Llama("qwen3", dim: 48, hiddenDim: 64, heads: 8, kvHeads: 1, headDim: 64, vocab: 97),
        ["head80-group7"] = Llama("llama", dim: 40, hiddenDim: 64, heads: 7, kvHeads: 1, headDim: 80, vocab: 97),
        ["head128-group4"] = Llama("qwen3", dim: 56, hiddenDim: 72, heads: 8, kvHeads: 2, headDim: 128, vocab: 97),
        ["head128-group1"] = Llama("mistral", dim: 64, hiddenDim: 72, heads: 2, kvHeads: 2, headDim: 128, vocab: 97),

        // A window wider than a page of the cache, so that the first page in sight is neither the first nor the last.
        ["window70"] = Llama("mistral", dim: 40, hiddenDim: 64, heads: 4, kvHeads: 2, headDim: 20, vocab: 97, """
            "sliding_window": 70,
            """),
    };

    private static string Llama(string family, int dim, int hiddenDim, int heads, int kvHeads, int headDim, int vocab, string more = "") => $$"""
        {
          "model_type": "{{family}}",
          "hidden_size": {{dim}}, "intermediate_size": {{hiddenDim}}, "num_hidden_layers": 1,
          "num_attention_heads": {{heads}}, "num_key_value_heads": {{kvHeads}}, "head_dim": {{headDim}}, "vocab_size": {{vocab}},
          "max_position_embeddings": 512, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "silu",
          {{more.Trim()}}
          "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2
        }
        """;
}

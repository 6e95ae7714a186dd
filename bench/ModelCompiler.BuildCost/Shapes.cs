namespace ModelCompiler.BuildCost;

/// <summary>What is measured: a config.json without weights.</summary>
internal sealed record Shape(string Name, int Layers, int Dim, int Heads)
{
    /// <summary>GPT-2's width at four depths, and the config of GPT-3's largest model (Brown et al. 2020, table 2.1).</summary>
    public static IReadOnlyList<Shape> All { get; } =
    [
        new("gpt2-2", 2, 768, 12), new("gpt2-12", 12, 768, 12), new("gpt2-32", 32, 768, 12), new("gpt2-96", 96, 768, 12), new("gpt3", 96, 12288, 96),
    ];

    /// <summary>Its config.json.</summary>
    public string Config => $$"""
        {
          "model_type": "gpt2", "n_embd": {{Dim}}, "n_layer": {{Layers}}, "n_head": {{Heads}}, "n_positions": 2048, "n_ctx": 2048, "vocab_size": 50257,
          "layer_norm_epsilon": 1e-05, "activation_function": "gelu_new", "bos_token_id": 50256, "eos_token_id": 50256
        }
        """;
}

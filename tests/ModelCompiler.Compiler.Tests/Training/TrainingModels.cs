using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Reference.Training;
using ModelCompiler.Compiler.Tests.Plan;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>The smallest models of each family, and something to learn.</summary>
internal static class TrainingModels
{
    private static readonly Dictionary<string, string> Configs = new()
    {
        ["llama"] = Llama("llama", tied: false),
        ["llama-tied"] = Llama("llama", tied: true),
        ["llama-biased"] = Llama("llama", tied: false, "\"attention_bias\": true, \"mlp_bias\": true,"),
        ["mistral"] = Llama("mistral", tied: false, "\"sliding_window\": 3,"),
        ["qwen2"] = Llama("qwen2", tied: true),
        ["qwen3"] = Llama("qwen3", tied: false, "\"head_dim\": 6, \"attention_bias\": false,"),
        ["gpt2"] = Gpt2(tied: true),
        ["gpt2-untied"] = Gpt2(tied: false),
    };

    public static TheoryData<string> Names => [.. Configs.Keys];

    /// <summary>Two sequences of different lengths; some tokens twice, some without a target.</summary>
    public static IReadOnlyList<TrainingSequence> Sequences { get; } =
    [
        new([1, 5, 3, 5, 8, 2], [5, 3, -1, 8, 2, 0]),
        new([4, 4, 10, 0], [-1, 10, 0, 7]),
    ];

    /// <summary>The graph as mapped.</summary>
    public static ModelGraph Graph(string name)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelGraph? graph = ModelGraphBuilder.Build(PlannedModel.Inputs(name, Configs[name]), diagnostics);
        Assert.Empty(diagnostics);
        return graph!;
    }

    /// <summary>The graph with its gradients, verified.</summary>
    public static ModelGraph TrainingGraph(string name, TrainedParameters? trained = null) => Verified(Autodiff.Apply(Graph(name), trained ?? TrainedParameters.All));

    /// <summary>The graph, when the verifier finds nothing.</summary>
    public static ModelGraph Verified(ModelGraph graph)
    {
        List<ModelDiagnostic> diagnostics = [];
        GraphVerifier.Verify(graph, new SourceSpan("config.json"), diagnostics);
        Assert.Empty(diagnostics);
        return graph;
    }

    /// <summary>Type, what it writes, what it reads: <c>Add afterAttention ← embedded attentionOutput</c>.</summary>
    public static string Describe(Operation operation)
        => $"{operation.GetType().Name} {string.Join(" ", operation.Outputs.Select(value => value.Name))} ← {string.Join(" ", operation.Inputs.Select(value => value.Name))}".TrimEnd();

    private static string Llama(string family, bool tied, string more = "") => $$"""
        {
          "model_type": "{{family}}", "hidden_size": 8, "intermediate_size": 10, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2, "vocab_size": 11, "max_position_embeddings": 16, "rms_norm_eps": 1e-05, "hidden_act": "silu",
          {{more}}
          "tie_word_embeddings": {{(tied ? "true" : "false")}}, "bos_token_id": 1, "eos_token_id": 2
        }
        """;

    private static string Gpt2(bool tied) => $$"""
        {
          "model_type": "gpt2", "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 16, "vocab_size": 11, "n_inner": 12,
          "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05, "tie_word_embeddings": {{(tied ? "true" : "false")}},
          "bos_token_id": 0, "eos_token_id": 0
        }
        """;
}

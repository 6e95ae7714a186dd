using System.Text.Json;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Tool.Synthesis;

/// <summary>A tensor of random numbers around <paramref name="Centre"/> with standard deviation <paramref name="Deviation"/>.</summary>
public sealed record SyntheticTensor(string Name, IReadOnlyList<int> Shape, float Centre, float Deviation);

/// <summary>
/// Which tensors a published model of a family has, written down here a second time, away from the graph, so that each checks
/// the other. Matrices have deviation 1/√inputs, so that a normalised input gives outputs near 1; the head gives logits with
/// deviation 2; norm weights lie around 1; biases are not zero.
/// </summary>
public static class SyntheticTensors
{
    private const float NormDeviation = 0.1f;
    private const float BiasDeviation = 0.1f;
    private const float LogitDeviation = 2f;

    /// <summary>The tensors of the model that a config.json describes.</summary>
    /// <exception cref="NotSupportedException">Its model_type is not in the table.</exception>
    public static IReadOnlyList<SyntheticTensor> Of(string configText, CancellationToken cancellation = default)
    {
        using JsonDocument document = JsonDocument.Parse(configText);
        JsonElement config = document.RootElement;
        string family = config.GetProperty("model_type").GetString()!;
        return family switch
        {
            "llama" or "mistral" or "qwen2" or "qwen3" => [.. Llama(config, family, cancellation)],
            "gpt2" => [.. Gpt2(config, cancellation)],
            _ => throw new NotSupportedException($"no table of tensors for model_type '{family}'; there are llama, mistral, qwen2, qwen3 and gpt2"),
        };
    }

    /// <summary>The same tensors as one safetensors file in F32 would declare them, without any data: enough to plan and emit a model of any size.</summary>
    /// <exception cref="NotSupportedException">Its model_type is not in the table.</exception>
    public static EquatableArray<TensorInfo> Declare(string configText, CancellationToken cancellation = default)
    {
        long offset = 0;
        List<TensorInfo> tensors = [];
        foreach (SyntheticTensor tensor in Of(configText, cancellation))
        {
            long length = tensor.Shape.Aggregate((long)sizeof(float), (bytes, size) => bytes * size);
            tensors.Add(new TensorInfo(tensor.Name, TensorType.F32, new([.. tensor.Shape]), "model.safetensors", offset, length));
            offset += length;
        }

        return new([.. tensors]);
    }

    private static IEnumerable<SyntheticTensor> Llama(JsonElement config, string family, CancellationToken cancellation)
    {
        int dim = Int(config, "hidden_size");
        int hiddenDim = Int(config, "intermediate_size");
        int heads = Int(config, "num_attention_heads");
        int kvHeads = Int(config, "num_key_value_heads", heads);
        int headDim = Int(config, "head_dim", family == "qwen3" ? 128 : dim / heads);
        int vocab = Int(config, "vocab_size");
        bool attentionBias = Bool(config, "attention_bias", false);
        bool inputBias = family == "qwen2" || attentionBias;
        bool ffnBias = Bool(config, "mlp_bias", false);

        yield return Head("model.embed_tokens", vocab, dim);
        for (int layer = 0; layer < Int(config, "num_hidden_layers"); layer++)
        {
            cancellation.ThrowIfCancellationRequested();
            string attention = $"model.layers.{layer}.self_attn";
            string ffn = $"model.layers.{layer}.mlp";
            IEnumerable<SyntheticTensor> tensors =
            [
                Norm($"model.layers.{layer}.input_layernorm", dim),
                .. Linear($"{attention}.q_proj", heads * headDim, dim, inputBias),
                .. Linear($"{attention}.k_proj", kvHeads * headDim, dim, inputBias),
                .. Linear($"{attention}.v_proj", kvHeads * headDim, dim, inputBias),
                .. Linear($"{attention}.o_proj", dim, heads * headDim, attentionBias),
                .. family == "qwen3" ? [Norm($"{attention}.q_norm", headDim), Norm($"{attention}.k_norm", headDim)] : Array.Empty<SyntheticTensor>(),
                Norm($"model.layers.{layer}.post_attention_layernorm", dim),
                .. Linear($"{ffn}.gate_proj", hiddenDim, dim, ffnBias),
                .. Linear($"{ffn}.up_proj", hiddenDim, dim, ffnBias),
                .. Linear($"{ffn}.down_proj", dim, hiddenDim, ffnBias),
            ];
            foreach (SyntheticTensor tensor in tensors)
            {
                yield return tensor;
            }
        }

        yield return Norm("model.norm", dim);
        if (!Bool(config, "tie_word_embeddings", false))
        {
            yield return Head("lm_head", vocab, dim);
        }
    }

    /// <summary>Names as in the published gpt2, which has no <c>transformer.</c> before them.</summary>
    private static IEnumerable<SyntheticTensor> Gpt2(JsonElement config, CancellationToken cancellation)
    {
        int dim = Int(config, "n_embd");
        int hiddenDim = Int(config, "n_inner", 4 * dim);
        int vocab = Int(config, "vocab_size");
        yield return Head("wte", vocab, dim);
        yield return Head("wpe", Int(config, "n_positions"), dim);
        for (int layer = 0; layer < Int(config, "n_layer"); layer++)
        {
            cancellation.ThrowIfCancellationRequested();
            IEnumerable<SyntheticTensor> tensors =
            [
                .. LayerNorm($"h.{layer}.ln_1", dim),
                .. Conv1D($"h.{layer}.attn.c_attn", dim, 3 * dim),
                .. Conv1D($"h.{layer}.attn.c_proj", dim, dim),
                .. LayerNorm($"h.{layer}.ln_2", dim),
                .. Conv1D($"h.{layer}.mlp.c_fc", dim, hiddenDim),
                .. Conv1D($"h.{layer}.mlp.c_proj", hiddenDim, dim),
            ];
            foreach (SyntheticTensor tensor in tensors)
            {
                yield return tensor;
            }
        }

        foreach (SyntheticTensor tensor in LayerNorm("ln_f", dim))
        {
            yield return tensor;
        }

        if (!Bool(config, "tie_word_embeddings", true))
        {
            yield return Head("lm_head", vocab, dim);
        }
    }

    private static SyntheticTensor Head(string name, int rows, int dim)
        => new($"{name}.weight", [rows, dim], 0, LogitDeviation / MathF.Sqrt(dim));

    private static SyntheticTensor Norm(string name, int length) => new($"{name}.weight", [length], 1, NormDeviation);

    private static SyntheticTensor Bias(string name, int length) => new($"{name}.bias", [length], 0, BiasDeviation);

    private static SyntheticTensor[] LayerNorm(string name, int length) => [Norm(name, length), Bias(name, length)];

    private static SyntheticTensor[] Linear(string name, int outputs, int inputs, bool bias)
    {
        SyntheticTensor weight = new($"{name}.weight", [outputs, inputs], 0, 1 / MathF.Sqrt(inputs));
        return bias ? [weight, Bias(name, outputs)] : [weight];
    }

    /// <summary>GPT-2 stores its matrices as [inputs × outputs].</summary>
    private static SyntheticTensor[] Conv1D(string name, int inputs, int outputs)
        => [new($"{name}.weight", [inputs, outputs], 0, 1 / MathF.Sqrt(inputs)), Bias(name, outputs)];

    private static int Int(JsonElement config, string name) => config.GetProperty(name).GetInt32();

    private static int Int(JsonElement config, string name, int otherwise)
        => config.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetInt32() : otherwise;

    private static bool Bool(JsonElement config, string name, bool otherwise)
        => config.TryGetProperty(name, out JsonElement value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : otherwise;
}

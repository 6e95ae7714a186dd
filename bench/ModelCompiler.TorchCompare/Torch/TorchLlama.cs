using System.Text.Json;
using ModelCompiler.Tool.Inputs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace ModelCompiler.TorchCompare.Torch;

/// <summary>Llama: RMS norm, rotary positions in halves, grouped queries, gated SiLU.</summary>
internal sealed class TorchLlama : TorchDecoder
{
    private readonly int dim;
    private readonly int layers;
    private readonly int heads;
    private readonly int kvHeads;
    private readonly double epsilon;
    private readonly double theta;
    private readonly bool tied;

    public TorchLlama(ModelFolder folder, JsonElement config)
        : base(folder)
    {
        dim = config.GetProperty("hidden_size").GetInt32();
        layers = config.GetProperty("num_hidden_layers").GetInt32();
        heads = config.GetProperty("num_attention_heads").GetInt32();
        kvHeads = config.GetProperty("num_key_value_heads").GetInt32();
        epsilon = config.GetProperty("rms_norm_eps").GetDouble();
        theta = config.GetProperty("rope_theta").GetDouble();
        tied = config.GetProperty("tie_word_embeddings").GetBoolean();
    }

    protected override Tensor Logits(Tensor tokens)
    {
        (Tensor cos, Tensor sin) = Rotations(tokens.shape[1]);
        Tensor x = Rows("model.embed_tokens.weight", tokens);
        for (int layer = 0; layer < layers; layer++)
        {
            string l = $"model.layers.{layer}.";
            Tensor normed = Norm(x, l + "input_layernorm");
            Tensor query = Rotate(Heads(Linear(normed, l + "self_attn.q_proj"), heads), cos, sin);
            Tensor key = Rotate(Heads(Linear(normed, l + "self_attn.k_proj"), kvHeads), cos, sin);
            Tensor values = Heads(Linear(normed, l + "self_attn.v_proj"), kvHeads);
            int group = heads / kvHeads;
            if (group > 1)
            {
                key = key.repeat_interleave(group, 1);
                values = values.repeat_interleave(group, 1);
            }

            x = x + Linear(Attend(query, key, values), l + "self_attn.o_proj");
            normed = Norm(x, l + "post_attention_layernorm");
            Tensor hidden = silu(Linear(normed, l + "mlp.gate_proj")) * Linear(normed, l + "mlp.up_proj");
            x = x + Linear(hidden, l + "mlp.down_proj");
        }

        return linear(Norm(x, "model.norm"), Weight(tied ? "model.embed_tokens.weight" : "lm_head.weight"));
    }

    private Tensor Linear(Tensor x, string name) => linear(x, Weight(name + ".weight"), Has(name + ".bias") ? Weight(name + ".bias") : null);

    private Tensor Norm(Tensor x, string name) => x * rsqrt(x.square().mean([-1], keepdim: true) + epsilon) * Weight(name + ".weight");

    /// <summary>cos and sin [length × headDim], computed in double precision.</summary>
    private (Tensor Cos, Tensor Sin) Rotations(long length)
    {
        int headDim = dim / heads;
        Tensor inverse = pow(theta, arange(0, headDim, 2, float64) * (-1.0 / headDim));
        Tensor angles = outer(arange(length, float64), inverse);
        Tensor both = cat([angles, angles], -1);
        return (both.cos().to(float32), both.sin().to(float32));
    }

    private static Tensor Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        Tensor[] halves = x.chunk(2, -1);
        return (x * cos) + (cat([-halves[1], halves[0]], -1) * sin);
    }
}

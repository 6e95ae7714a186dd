using System.Text.Json;
using ModelCompiler.Tool.Inputs;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace ModelCompiler.TorchCompare.Torch;

/// <summary>GPT-2, with the tied head and gelu_new.</summary>
internal sealed class TorchGpt2(ModelFolder folder, JsonElement config) : TorchDecoder(folder)
{
    private readonly int dim = config.GetProperty("n_embd").GetInt32();
    private readonly int layers = config.GetProperty("n_layer").GetInt32();
    private readonly int heads = config.GetProperty("n_head").GetInt32();
    private readonly double epsilon = config.GetProperty("layer_norm_epsilon").GetDouble();

    protected override Tensor Logits(Tensor tokens)
    {
        Tensor x = Rows("wte.weight", tokens) + Weight("wpe.weight").narrow(0, 0, tokens.shape[1]);
        for (int layer = 0; layer < layers; layer++)
        {
            string h = $"h.{layer}.";
            Tensor[] parts = Conv1D(Norm(x, h + "ln_1"), h + "attn.c_attn").chunk(3, -1);
            Tensor attended = Attend(Heads(parts[0], heads), Heads(parts[1], heads), Heads(parts[2], heads));
            x = x + Conv1D(attended, h + "attn.c_proj");
            Tensor hidden = gelu(Conv1D(Norm(x, h + "ln_2"), h + "mlp.c_fc"), TorchSharp.Modules.GELU.Approximate.tanh);
            x = x + Conv1D(hidden, h + "mlp.c_proj");
        }

        return linear(Norm(x, "ln_f"), Weight("wte.weight"));
    }

    private Tensor Norm(Tensor x, string name) => layer_norm(x, [dim], Weight(name + ".weight"), Weight(name + ".bias"), epsilon);

    /// <summary>Weight [in × out], as GPT-2 was published.</summary>
    private Tensor Conv1D(Tensor x, string name) => linear(x, Weight(name + ".weight").t(), Weight(name + ".bias"));
}

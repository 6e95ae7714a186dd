using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Inputs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModelCompiler.TorchCompare.Torch;

/// <summary>
/// A published model as a TorchSharp user would write it: the fused operations that libtorch has, automatic differentiation, AdamW.
/// Parameters go by their published names.
/// </summary>
internal abstract class TorchDecoder
{
    private readonly Dictionary<string, Parameter> parameters = [];

    /// <summary>Takes the tensors of a folder as float32 parameters.</summary>
    protected TorchDecoder(ModelFolder folder)
    {
        foreach (TensorInfo tensor in folder.Inputs.Tensors)
        {
            float[] numbers = PublishedTensor.Read(folder, tensor);
            parameters.Add(tensor.Name, new Parameter(torch.tensor(numbers, [.. tensor.Shape.Select(size => (long)size)])));
        }
    }

    /// <summary>The published names and their parameters.</summary>
    public IReadOnlyDictionary<string, Parameter> Parameters => parameters;

    /// <summary>The model of a folder.</summary>
    public static TorchDecoder Open(ModelFolder folder, string family, System.Text.Json.JsonElement config) => family switch
    {
        "gpt2" => new TorchGpt2(folder, config),
        "llama" => new TorchLlama(folder, config),
        _ => throw new NotSupportedException($"Found the family '{family}', expected gpt2 or llama: the two that this comparison has in both libraries."),
    };

    /// <summary>The mean loss in nats of [sequences × length] tokens.</summary>
    public Tensor Loss(Tensor tokens, Tensor targets)
    {
        Tensor logits = Logits(tokens);
        return nn.functional.cross_entropy(logits.view(-1, logits.shape[^1]), targets.view(-1));
    }

    /// <summary>Logits [sequences × length × vocab].</summary>
    protected abstract Tensor Logits(Tensor tokens);

    protected Tensor Weight(string name) => parameters[name];

    /// <summary>Rows of a table: [sequences × length × dim].</summary>
    protected Tensor Rows(string table, Tensor tokens) => Weight(table).index_select(0, tokens.view(-1)).view(tokens.shape[0], tokens.shape[1], -1);

    protected bool Has(string name) => parameters.ContainsKey(name);

    /// <summary>[sequences × length × heads · headDim] as [sequences × heads × length × headDim].</summary>
    protected static Tensor Heads(Tensor x, long heads) => x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2);

    /// <summary>Causal attention, heads joined again.</summary>
    protected static Tensor Attend(Tensor query, Tensor key, Tensor values)
    {
        Tensor attended = nn.functional.scaled_dot_product_attention(query, key, values, is_casual: true);
        return attended.transpose(1, 2).reshape(query.shape[0], query.shape[2], -1);
    }
}

using System.Runtime.InteropServices;
using System.Text.Json;
using ModelCompiler.Runtime.Weights.Safetensors;

namespace HandBuiltModel;

/// <summary>The model as a published one would lie in its folder: config.json, model.safetensors in half precision, tokenizer.json.</summary>
public static class PublishedFolder
{
    /// <summary>Writes the same bytes every time, on every machine.</summary>
    public static void Write(string directory)
    {
        BytePairs tokenizer = new(Corpus.Sentences);
        Recall recall = new([.. Corpus.Sentences.Select(tokenizer.Encode)], tokenizer.End, tokenizer.NewLine);
        HandWrittenTransformer model = new(tokenizer.VocabularySize, recall);
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "config.json"), Config(model, tokenizer));
        File.WriteAllText(Path.Combine(directory, "tokenizer.json"), tokenizer.ToJson() + "\n");
        WriteWeights(Path.Combine(directory, "model.safetensors"), model.Build());
    }

    private static string Config(HandWrittenTransformer model, BytePairs tokenizer)
    {
        object config = new
        {
            _name_or_path = "hello: weights written by the program samples/HandBuiltModel, not trained",
            architectures = new[] { "GPT2LMHeadModel" },
            model_type = "gpt2",
            n_layer = 1,
            n_head = HandWrittenTransformer.Heads,
            n_embd = HandWrittenTransformer.Dim,
            n_inner = model.HiddenDim,
            n_positions = HandWrittenTransformer.Positions,
            vocab_size = tokenizer.VocabularySize,
            activation_function = "gelu_new",
            layer_norm_epsilon = 1e-12,
            tie_word_embeddings = false,
            bos_token_id = tokenizer.End,
            eos_token_id = tokenizer.End,
            torch_dtype = "float16",
        };
        return JsonSerializer.Serialize(config, new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n";
    }

    private static void WriteWeights(string path, IReadOnlyList<Tensor> tensors)
    {
        using SafetensorsWriter file = new(path, [.. tensors.Select(tensor => new TensorDeclaration(tensor.Name, "F16", tensor.Shape))]);
        foreach (Tensor tensor in tensors)
        {
            file.Write(MemoryMarshal.AsBytes<Half>(Array.ConvertAll(tensor.Values, value => (Half)value)));
        }

        file.Commit();
    }
}

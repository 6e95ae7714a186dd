using System.Globalization;
using ModelCompiler.TorchCompare.Torch;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Synthesis;
using Spectre.Console;

namespace ModelCompiler.TorchCompare;

/// <summary>Ten updates of a small GPT-2 and a small Llama in both libraries: losses step by step, then every parameter.</summary>
internal static class Agreement
{
    private const int Steps = 10;
    private const double LossBound = 1e-4;
    private const double ParameterBound = 1e-3;

    private static readonly Dictionary<string, string> Models = new()
    {
        ["gpt2"] = """
            {
              "model_type": "gpt2", "n_layer": 3, "n_head": 4, "n_embd": 128, "n_positions": 128, "n_ctx": 128, "vocab_size": 500,
              "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05, "bos_token_id": 0, "eos_token_id": 0
            }
            """,
        ["llama"] = """
            {
              "model_type": "llama", "hidden_size": 128, "intermediate_size": 344, "num_hidden_layers": 3, "num_attention_heads": 4,
              "num_key_value_heads": 2, "vocab_size": 500, "max_position_embeddings": 128, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
              "hidden_act": "silu", "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2
            }
            """,
    };

    /// <summary>Prints a table for each model. True when all is within the bounds.</summary>
    public static bool Run(int threads, string temporary)
    {
        bool agree = true;
        foreach ((string name, string config) in Models)
        {
            string folder = Path.Combine(temporary, name);
            SyntheticModel.Write(folder, config, new SyntheticModelOptions());
            agree &= Compare(name, folder, threads);
        }

        AnsiConsole.WriteLine(agree ? "They agree." : "They do NOT agree.");
        return agree;
    }

    private static bool Compare(string name, string folder, int threads)
    {
        using ITrainingEngine ours = new EmittedEngine(folder, threads);
        using ITrainingEngine theirs = new TorchEngine(folder, threads);
        Dictionary<string, float[]> before = [];
        using ModelFolder published = ModelFolder.Open(folder);
        foreach (string parameter in published.Inputs.Tensors.Select(tensor => tensor.Name))
        {
            before.Add(parameter, theirs.Read(parameter));
        }

        Table table = new Table().Title(name).AddColumns("", "ModelCompiler", "TorchSharp", "moved by", "difference");
        bool agree = true;
        for (int step = 1; step <= Steps; step++)
        {
            Batch batch = Batch.Random(sequences: 4, length: 64, vocab: 500, step);
            double a = ours.Step(batch), b = theirs.Step(batch);
            agree &= Math.Abs(a - b) <= LossBound;
            table.AddRow($"loss before update {step}", Text(a, "F6"), Text(b, "F6"), "", Text(Math.Abs(a - b), "E1"));
        }

        foreach ((string parameter, float[] start) in before)
        {
            float[] b = theirs.Read(parameter);
            double difference = Distance(ours.Read(parameter), b);
            agree &= difference <= ParameterBound;
            table.AddRow(parameter, "", "", Text(Distance(start, b), "E1"), Text(difference, "E1"));
        }

        AnsiConsole.Write(table);
        return agree;
    }

    /// <summary>‖a − b‖ / ‖b‖.</summary>
    private static double Distance(float[] a, float[] b)
        => Math.Sqrt(a.Zip(b, (x, y) => (double)(x - y) * (x - y)).Sum() / b.Sum(y => (double)y * y));

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}

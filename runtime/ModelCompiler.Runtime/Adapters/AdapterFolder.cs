using System.Globalization;
using System.Text.Json;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Runtime.Weights.Safetensors;

namespace ModelCompiler.Runtime.Adapters;

/// <summary>
/// Low-rank adapters as the PEFT library publishes them: a folder with <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, the tensors in float32.
/// </summary>
public static unsafe class AdapterFolder
{
    /// <summary>What the adapters are.</summary>
    public const string ConfigFile = "adapter_config.json";

    /// <summary>Their numbers.</summary>
    public const string TensorsFile = "adapter_model.safetensors";

    /// <summary>Settings that would change what is computed, and the only values of them that are understood.</summary>
    private static readonly (string Key, string[] Plain)[] Plain =
    [
        ("bias", ["none"]), ("use_rslora", ["false"]), ("use_dora", ["false"]), ("lora_bias", ["false"]), ("rank_pattern", ["{}"]), ("alpha_pattern", ["{}"]),
        ("modules_to_save", ["[]"]), ("layers_to_transform", ["[]"]), ("trainable_token_indices", ["[]"]),
        ("alora_invocation_tokens", ["[]"]), ("use_qalora", ["false"]),
        // Others begin by changing the model's own matrices (pissa, olora, corda, loftq): beside the published ones their adapter is wrong.
        ("init_lora_weights", ["true", "false", "gaussian", "eva", "orthogonal"]),
    ];

    /// <summary>Reads rank, alpha and targets.</summary>
    /// <exception cref="AdapterException">The folder has no such file, or it describes something else.</exception>
    public static AdapterSettings ReadSettings(string folder)
    {
        string path = Path.Combine(folder, ConfigFile);
        if (!File.Exists(path) || FilePlace.Other(path) is not null)
        {
            throw new AdapterException(path, "the adapter's config", FilePlace.Other(path) ?? "no such file", "one as the PEFT library writes it");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            Require(path, root, "peft_type", found => string.Equals(found, "LORA", StringComparison.OrdinalIgnoreCase), "LORA");
            foreach ((string key, string[] plain) in Plain)
            {
                Require(path, root, key, found => found is "" or "null" || plain.Contains(found, StringComparer.OrdinalIgnoreCase), plain[0]);
            }

            int rank = root.GetProperty("r").GetInt32();
            double alpha = root.TryGetProperty("lora_alpha", out JsonElement given) ? given.GetDouble() : rank;
            JsonElement targets = root.GetProperty("target_modules");
            string[] modules = targets.ValueKind == JsonValueKind.String ? [targets.GetString()!] : [.. targets.EnumerateArray().Select(target => target.GetString() ?? "null")];
            return rank >= 1 && double.IsFinite(alpha) && modules.Length > 0
                ? new(rank, alpha, modules)
                : throw new AdapterException(path, "r, lora_alpha and target_modules", $"{rank}, {alpha.ToString(CultureInfo.InvariantCulture)} and {modules.Length} modules", "a rank and modules, at least 1");
        }
        catch (Exception fault) when (JsonFault.Is(fault))
        {
            throw new AdapterException(path, "the adapter's config", JsonFault.Found(fault), "an object with the number r and the names target_modules, as the PEFT library writes it", fault);
        }
    }

    /// <summary>Writes adapters that were trained, so that the PEFT library reads them. Whoever fails leaves no half file; the config comes last.</summary>
    /// <param name="folder">Made when absent.</param>
    /// <param name="model">Whose parameters are adapters.</param>
    /// <param name="baseModel">What they belong to, for people and for the PEFT library: a folder or a name.</param>
    /// <exception cref="ArgumentException">The model itself is trained.</exception>
    /// <exception cref="IOException">A file could not be written.</exception>
    public static void Write(string folder, TrainableModel model, string baseModel)
    {
        AdapterSettings settings = Settings(model);
        using MadeFolder made = new(folder);
        TrainingCheckpoint.WriteWeights(Path.Combine(folder, TensorsFile), model, model.AdapterBase!.Metadata);
        WholeFile.Write(Path.Combine(folder, ConfigFile), Config(settings, model.Description.Family, baseModel));
    }

    /// <summary>Reads all tensors, row by row.</summary>
    /// <param name="folder">The adapter.</param>
    /// <param name="expected">Names and shapes of the tensors that the model has a place for.</param>
    /// <exception cref="AdapterException">The file lacks one of them, has it in another shape or type, or has more.</exception>
    public static IReadOnlyDictionary<string, float[]> ReadTensors(string folder, IEnumerable<(string Name, IReadOnlyList<int> Shape)> expected) => ReadTensors(folder, expected, null);

    private static IReadOnlyDictionary<string, float[]> ReadTensors(string folder, IEnumerable<(string Name, IReadOnlyList<int> Shape)> expected, AdapterBase? weights)
    {
        string path = Path.Combine(folder, TensorsFile);
        if (!File.Exists(path) || FilePlace.Other(path) is not null)
        {
            throw new AdapterException(path, "the adapter's tensors", FilePlace.Other(path) ?? "no such file", "one as the PEFT library writes it");
        }

        try
        {
            using SafetensorsReader reader = new(path);
            weights?.RequireSame(path, reader.Metadata);
            Dictionary<string, float[]> numbers = [];
            foreach ((string name, IReadOnlyList<int> shape) in expected)
            {
                float[] tensor = new float[shape.Aggregate(1, (length, size) => checked(length * size))];
                reader.Read(name, shape, tensor);
                numbers.Add(name, tensor);
            }

            return reader.Tensors.FirstOrDefault(tensor => !numbers.ContainsKey(tensor.Name)) is { } other
                ? throw new AdapterException(path, "the adapter's tensors", $"'{other.Name}'", $"only the {numbers.Count} that this model has a place for: is it of another model, or of other modules than {ConfigFile} says")
                : numbers;
        }
        catch (SafetensorsFileException fault)
        {
            throw new AdapterException(path, fault.What, fault.Found, fault.Expected, fault);
        }
    }

    /// <summary>Gives a model whose adapters are trained the numbers of a published one, to train it further.</summary>
    /// <exception cref="AdapterException">It is another adapter: of other rank, alpha, shapes or weights, with tensors missing, or more of them.</exception>
    /// <exception cref="ArgumentException">The model itself is trained.</exception>
    public static void Read(string folder, TrainableModel model)
    {
        AdapterSettings expected = Settings(model);
        Require(folder, expected);
        foreach ((string name, float[] tensor) in ReadTensors(folder, model.Description.Tensors.Select(tensor => (tensor.Name, tensor.Shape)), model.AdapterBase))
        {
            model.WriteTensor(name, tensor);
        }
    }

    /// <summary>Reads the numbers into memory laid out as a class was compiled for.</summary>
    /// <exception cref="AdapterException">It is another adapter: of other rank, alpha, shapes or weights, with tensors missing, or more of them.</exception>
    internal static void Read(string folder, AdapterLayout layout, AdapterBase weights, float* memory)
    {
        Require(folder, layout.Settings);
        IReadOnlyDictionary<string, float[]> numbers = ReadTensors(folder, layout.Tensors.Select(tensor => (tensor.Name, tensor.Shape)), weights);
        foreach (TrainingTensor tensor in layout.Tensors)
        {
            tensor.Scatter(numbers[tensor.Name], 0, memory, tensor.Addend);
        }
    }

    private static AdapterSettings Settings(TrainableModel model) => model.Description.Adapter
        ?? throw new ArgumentException($"Found the model '{model.Description.Name}', which is trained itself, expected one whose adapters are.", nameof(model));

    /// <summary>Rank and alpha are constants of the compiled code; the tensors tell the modules.</summary>
    private static void Require(string folder, AdapterSettings expected)
    {
        AdapterSettings found = ReadSettings(folder);
        if (found.Rank != expected.Rank || found.Alpha != expected.Alpha)
        {
            throw new AdapterException(Path.Combine(folder, ConfigFile), "the adapter", $"{found}", $"{expected}, for which this class was compiled");
        }
    }

    private static void Require(string path, JsonElement root, string key, Func<string, bool> fits, string expected)
    {
        string found = root.TryGetProperty(key, out JsonElement value) ? value.ToString() : "";
        if (!fits(found.Replace(" ", "", StringComparison.Ordinal)))
        {
            throw new AdapterException(path, key, found.Length == 0 ? "nothing" : found, expected);
        }
    }

    private static string Config(AdapterSettings settings, string family, string baseModel)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("peft_type", "LORA");
            json.WriteString("task_type", "CAUSAL_LM");
            json.WriteString("base_model_name_or_path", baseModel);
            json.WriteNumber("r", settings.Rank);
            json.WriteNumber("lora_alpha", settings.Alpha);
            json.WriteNumber("lora_dropout", 0.0);
            json.WriteStartArray("target_modules");
            foreach (string module in settings.TargetModules)
            {
                json.WriteStringValue(module);
            }

            json.WriteEndArray();
            json.WriteString("bias", "none");
            json.WriteBoolean("fan_in_fan_out", family == "gpt2"); // its Conv1D modules hold [inputs × outputs]
            json.WriteBoolean("inference_mode", true);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(text.ToArray()) + "\n";
    }
}

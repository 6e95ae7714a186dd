using System.Text.Json;
using System.Text.Json.Serialization;

namespace ModelCompiler.Compare.Inputs;

/// <summary>Two files of the same shape, and the lengths to measure both with.</summary>
/// <param name="Name">The model, as the table calls it.</param>
/// <param name="Model">Our model folder; relative to <c>--models</c>.</param>
/// <param name="Weights">Our weights format.</param>
/// <param name="Gguf">llama.cpp's file; relative to <c>--gguf</c>. Null: it has no column here.</param>
/// <param name="Prompt">Tokens of the prompt; 0: not measured.</param>
/// <param name="Gen">Tokens decoded; 0: not measured.</param>
/// <param name="Depth">Tokens of context that both begin behind.</param>
/// <param name="Repeat">Repeats within a round; their median is the round's number.</param>
/// <param name="Cache">Our format of keys and values; null: the default.</param>
/// <param name="GgufCache">llama.cpp's (<c>-ctk -ctv</c>); null: its default, f16.</param>
/// <param name="FlashAttention">llama.cpp's <c>-fa</c>; null: its default, auto.</param>
/// <param name="Onnx">Whether <c>--onnx</c> measures it.</param>
internal sealed record SpeedPair(
    string Name, string Model, string Weights, string? Gguf = null, int Prompt = 512, int Gen = 128, int Depth = 0, int Repeat = 3,
    string? Cache = null, string? GgufCache = null, string? FlashAttention = null, bool Onnx = false)
{
    /// <summary>What <c>--only</c> is looked for in.</summary>
    [JsonIgnore]
    public string Key => $"{Model}-{Weights}{(Cache is null ? "" : "-" + Cache)}{(Depth == 0 ? "" : $"@{Depth}")}";
}

/// <summary>Two programs that write text: how long each takes from being started to the first byte that it writes, which must be the first token's.</summary>
/// <param name="Name">The model, as the table calls it.</param>
/// <param name="Ours">Program and arguments. A path that begins with <c>./</c> is relative to the plan's folder.</param>
/// <param name="Theirs">Likewise.</param>
internal sealed record StartPair(string Name, string[] Ours, string[] Theirs)
{
    /// <summary>What <c>--only</c> is looked for in.</summary>
    [JsonIgnore]
    public string Key => $"start {Name}";
}

/// <summary>What is compared: a JSON file of the user's, or <c>bench/compare.json</c>.</summary>
internal sealed record ComparisonPlan(SpeedPair[] Speeds, StartPair[] Starts)
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <exception cref="CompareException">The file is not there, or not such a plan.</exception>
    public static ComparisonPlan Read(string path)
    {
        try
        {
            ComparisonPlan plan = JsonSerializer.Deserialize<ComparisonPlan>(File.ReadAllText(path), Strict)
                ?? throw new CompareException($"{path}: found null, expected an object with speeds and starts.");
            foreach (SpeedPair pair in plan.Speeds)
            {
                Check(path, pair);
            }

            return plan;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CompareException($"the plan: {fault.Message}");
        }
        catch (JsonException fault)
        {
            throw new CompareException($"{path}({fault.LineNumber + 1}): {fault.Message.ReplaceLineEndings(" ")}");
        }
    }

    private static void Check(string path, SpeedPair pair)
    {
        if (pair.Prompt < 0 || pair.Gen < 0 || pair.Depth < 0 || pair.Repeat < 1 || (pair.Prompt == 0 && pair.Gen == 0))
        {
            throw new CompareException(
                $"{path}: {pair.Key}: found prompt {pair.Prompt}, gen {pair.Gen}, depth {pair.Depth}, repeat {pair.Repeat}, expected lengths of at least 0, one of prompt and gen above it, and at least 1 repeat.");
        }
    }
}

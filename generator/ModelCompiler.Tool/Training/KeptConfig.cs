using System.Text.Json.Nodes;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Tool.Training;

/// <summary>The config that a training was begun with, beside its checkpoints: these know it by a checksum only, and whoever goes on with another wants to know in what it differs.</summary>
internal sealed class KeptConfig(string checkpoints)
{
    /// <summary>These follow from the tokenizer, the text and --dtype.</summary>
    private static readonly string[] Fitted = ["torch_dtype", "vocab_size", "bos_token_id", "eos_token_id"];

    private bool kept;

    /// <summary>Where it lies. Not config.json, which with the best weights beside it would make a model of the folder.</summary>
    public string Path { get; } = System.IO.Path.Combine(checkpoints, "begun-with.json");

    /// <summary>Writes it, unless that was done.</summary>
    public void Keep(string config)
    {
        if (!kept && !File.Exists(Path))
        {
            Directory.CreateDirectory(checkpoints);
            WholeFile.Write(Path, config);
        }

        kept = true;
    }

    /// <summary>The settings in which <paramref name="config"/> differs from it: "NAME: found THIS, expected THAT". Empty where there is none, or none that can be read.</summary>
    public IReadOnlyList<string> Differences(string config)
    {
        try
        {
            if (JsonNode.Parse(File.ReadAllText(Path)) is not JsonObject begun || JsonNode.Parse(config) is not JsonObject now)
            {
                return [];
            }

            return [.. begun.Select(setting => setting.Key).Union(now.Select(setting => setting.Key))
                .Where(name => !Fitted.Contains(name) && !JsonNode.DeepEquals(begun[name], now[name]))
                .Select(name => $"{name}: found {Text(now[name])}, expected {Text(begun[name])}")];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or System.Text.Json.JsonException or ArgumentException)
        {
            return []; // the checksums differ, whatever became of this file
        }

        static string Text(JsonNode? value) => value?.ToJsonString() ?? "none";
    }
}

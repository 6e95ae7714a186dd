using System.Text.Json.Nodes;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Tool.Training;

/// <summary>The config that a training was begun with, beside its checkpoints: these know it by a checksum only, and whoever goes on with another wants to know in what it differs.</summary>
internal sealed class KeptConfig(string checkpoints)
{
    /// <summary>Follows from an option that may change.</summary>
    private const string ElementType = "torch_dtype";

    private readonly string path = Path.Combine(checkpoints, "config.json");
    private bool kept;

    /// <summary>Writes it, unless that was done.</summary>
    public void Keep(string config)
    {
        if (!kept && !File.Exists(path))
        {
            Directory.CreateDirectory(checkpoints);
            WholeFile.Write(path, config);
        }

        kept = true;
    }

    /// <summary>The settings in which <paramref name="config"/> differs from it: "NAME: found THIS, expected THAT". Empty where there is none, or none that can be read.</summary>
    public IReadOnlyList<string> Differences(string config)
    {
        try
        {
            JsonObject begun = JsonNode.Parse(File.ReadAllText(path))!.AsObject(), now = JsonNode.Parse(config)!.AsObject();
            return [.. begun.Select(setting => setting.Key).Union(now.Select(setting => setting.Key))
                .Where(name => name != ElementType && !JsonNode.DeepEquals(begun[name], now[name]))
                .Select(name => $"{name}: found {Text(now[name])}, expected {Text(begun[name])}")];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or System.Text.Json.JsonException or InvalidOperationException)
        {
            return []; // the checksums differ, whatever became of this file
        }

        static string Text(JsonNode? value) => value?.ToJsonString() ?? "none";
    }
}

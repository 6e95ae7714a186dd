using System.Text.Json;
using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Tool.Inputs;

/// <summary>Folders that are easily taken for models, of which they are parts or beginnings.</summary>
internal static class OtherFolder
{
    /// <summary>What such a folder is, and what to do with it; null: nothing that we know.</summary>
    public static (string Found, string Advice)? Describe(string directory)
    {
        if (File.Exists(Path.Combine(directory, AdapterFolder.ConfigFile)))
        {
            string model = BaseModel(Path.Combine(directory, AdapterFolder.ConfigFile)) is { } name ? $" ('{name}')" : "";
            return ($"a low-rank adapter ({AdapterFolder.ConfigFile})", $"Give the folder of the model that it was trained over{model}, and the adapter by --adapter '{directory}'.");
        }

        if (File.Exists(Path.Combine(directory, TrainingCheckpoint.StateFile)))
        {
            return ($"a checkpoint of a training ({TrainingCheckpoint.StateFile})", "Its training writes the model when it is finished: the 'modelc train' command that began it, with --resume, goes on.");
        }

        return TrainingCheckpoint.FindLast(Path.Combine(directory, TrainingCheckpoint.UsualFolder)) is { } last
            ? ($"a training that is not finished (its last checkpoint is {Path.GetFileName(last)})", "The 'modelc train' command that began it, with --resume, goes on and writes the model.")
            : null;
    }

    private static string? BaseModel(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.TryGetProperty("base_model_name_or_path", out JsonElement name) ? name.GetString() : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null; // what is wrong with it is told where it is used
        }
    }
}

using System.Text.Json;
using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Tool.Inputs;

/// <summary>Files and folders that are easily taken for models, of which they are parts or beginnings.</summary>
internal static class OtherPlace
{
    /// <summary>What lies there, and what to do with it; null: nothing that we know.</summary>
    public static (string Found, string Advice)? Describe(string directory)
    {
        if (File.Exists(Path.TrimEndingDirectorySeparator(directory)))
        {
            return OfFile(Path.TrimEndingDirectorySeparator(directory));
        }

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

    private static (string Found, string Advice) OfFile(string path)
    {
        if (Path.GetExtension(path).Equals(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            return ("a GGUF file, a format that is not read", ModelFolder.Advice);
        }

        string folder = Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".";
        return ("a file", File.Exists(Path.Combine(folder, "config.json")) ? $"Give the folder that it lies in: '{folder}'." : ModelFolder.Advice);
    }

    private static string? BaseModel(string path)
    {
        try
        {
            FilePlace.RequireReadable(path);
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.TryGetProperty("base_model_name_or_path", out JsonElement name) ? name.GetString() : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or IOException)
        {
            return null; // what is wrong with it is told where it is used
        }
    }
}

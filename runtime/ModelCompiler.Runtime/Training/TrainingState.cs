using System.Text.Json;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Training;

/// <summary>What a checkpoint says about its training: the step, and all that its bits depend on, by name.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Settings">What the bits depend on.</param>
/// <param name="Files">Checksums of the checkpoint's other files.</param>
internal sealed record TrainingState(long Step, IReadOnlyList<KeyValuePair<string, string>> Settings, IReadOnlyList<KeyValuePair<string, string>> Files)
{
    public const string MeanPrefix = "exp_avg.";
    public const string SquarePrefix = "exp_avg_sq.";
    private const int Version = 2;
    private const long LongestBytes = 1 << 20;

    /// <summary>Writes it as JSON, and waits until the disk has it.</summary>
    public void Write(string path)
    {
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write);
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteNumber("step", Step);
            Write(json, "settings", Settings);
            Write(json, "files", Files);
            json.WriteEndObject();
        }

        stream.Flush(flushToDisk: true);
    }

    /// <exception cref="TrainingCheckpointException">The file is missing or is no such JSON.</exception>
    public static TrainingState Read(string path)
    {
        const string remedy = "Remove the checkpoint to begin anew.";
        FileInfo file = new(path);
        if (!file.Exists || file.Length > LongestBytes)
        {
            throw new TrainingCheckpointException(path, "the state of the training", file.Exists ? $"{file.Length} bytes" : "no such file", $"a file of at most {LongestBytes} bytes", remedy);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            int version = root.GetProperty("version").GetInt32();
            long step = root.GetProperty("step").GetInt64();
            return version == Version && step >= 0
                ? new(step, Read(root, "settings"), Read(root, "files"))
                : throw new TrainingCheckpointException(path, "version and step", $"{version} and {step}", $"{Version} and at least 0", remedy);
        }
        catch (Exception fault) when (JsonFault.Is(fault))
        {
            throw new TrainingCheckpointException(path, "the state of the training", JsonFault.Found(fault), "an object with the numbers version and step, and with settings and files, objects of texts", remedy, fault);
        }
    }

    /// <summary>Holds a file of the checkpoint against its checksum.</summary>
    /// <exception cref="TrainingCheckpointException">It is another one, or missing.</exception>
    public void RequireWhole(string place, string file, string remedy)
    {
        string path = Path.Combine(place, file);
        string? expected = Files.FirstOrDefault(known => known.Key == file).Value;
        string found = File.Exists(path) ? Checksum.OfFile(path) : "no such file";
        if (found != expected)
        {
            throw new TrainingCheckpointException(path, "checksum", found, expected ?? "one in " + TrainingCheckpoint.StateFile, remedy);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, IEnumerable<KeyValuePair<string, string>> texts)
    {
        json.WriteStartObject(name);
        foreach ((string key, string text) in texts)
        {
            json.WriteString(key, text);
        }

        json.WriteEndObject();
    }

    private static IReadOnlyList<KeyValuePair<string, string>> Read(JsonElement root, string name)
        => [.. root.GetProperty(name).EnumerateObject().Select(text => new KeyValuePair<string, string>(text.Name, text.Value.GetString() ?? ""))];

    /// <summary>Holds the settings of a checkpoint against those of the training that would take it up.</summary>
    /// <exception cref="TrainingCheckpointException">They differ; the message names the first that does.</exception>
    public void RequireSame(string path, TrainingState expected, string remedy)
    {
        foreach ((string name, string value) in expected.Settings)
        {
            string? found = Settings.FirstOrDefault(setting => setting.Key == name).Value;
            if (found != value)
            {
                throw new TrainingCheckpointException(path, name, found ?? "nothing", value, remedy);
            }
        }
    }
}

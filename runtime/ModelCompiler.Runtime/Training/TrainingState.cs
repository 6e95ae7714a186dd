using System.Text.Json;

namespace ModelCompiler.Runtime.Training;

/// <summary>What a checkpoint says about its training: the step, and all that its bits depend on, by name.</summary>
internal sealed record TrainingState(long Step, IReadOnlyList<KeyValuePair<string, string>> Settings)
{
    public const string MeanPrefix = "exp_avg.";
    public const string SquarePrefix = "exp_avg_sq.";
    private const int Version = 1;
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
            json.WriteStartObject("settings");
            foreach ((string name, string value) in Settings)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
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
                ? new(step, [.. root.GetProperty("settings").EnumerateObject().Select(setting => new KeyValuePair<string, string>(setting.Name, setting.Value.GetString() ?? ""))])
                : throw new TrainingCheckpointException(path, "version and step", $"{version} and {step}", $"{Version} and at least 0", remedy);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new TrainingCheckpointException(path, "the state of the training", fault.Message.TrimEnd('.'), "the JSON that a checkpoint has", remedy, fault);
        }
    }

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

using System.Text.Json;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Tool.Training;

/// <summary>A step of train-log.jsonl.</summary>
/// <param name="Step">Counted from 1.</param>
/// <param name="Loss">Mean loss of the step's tokens, in nats.</param>
/// <param name="Validation">Mean loss of the held-out text's tokens after the step, where it was looked at.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="LearningRate">Of the step.</param>
/// <param name="TokensPerSecond">Since the run began.</param>
internal sealed record TrainingLogEntry(long Step, double Loss, double? Validation, double GradientNorm, double LearningRate, double TokensPerSecond);

/// <summary>train-log.jsonl: one line of JSON for each step. A run that is taken up again goes on behind the step of its checkpoint.</summary>
internal sealed class TrainingLog : IDisposable
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    private readonly string path;
    private readonly List<TrainingLogEntry> entries;
    private readonly StreamWriter writer;

    /// <param name="path">The file; made anew, except for the steps that are kept.</param>
    /// <param name="keep">Steps that the checkpoint has behind it; 0 begins anew.</param>
    public TrainingLog(string path, long keep)
    {
        this.path = path;
        entries = [.. Read(path).Where(entry => entry.Step <= keep)];
        WholeFile.Write(path, string.Concat(entries.Select(entry => JsonSerializer.Serialize(entry, Options) + "\n")));
        writer = new StreamWriter(path, append: true) { NewLine = "\n" };
    }

    /// <summary>All steps, kept ones too.</summary>
    public IReadOnlyList<TrainingLogEntry> Entries => entries;

    /// <summary>Appends a step.</summary>
    public void Add(TrainingProgress step)
    {
        TrainingLogEntry entry = new(step.Step, step.Loss, step.Validation?.Mean, step.GradientNorm, step.LearningRate, step.TokensPerSecond);
        entries.Add(entry);
        writer.WriteLine(JsonSerializer.Serialize(entry, Options));
        writer.Flush();
    }

    /// <summary>A log without a step is none.</summary>
    public void Dispose()
    {
        writer.Dispose();
        if (entries.Count == 0)
        {
            File.Delete(path);
        }
    }

    /// <summary>A killed run may have left half a line.</summary>
    private static IEnumerable<TrainingLogEntry> Read(string path)
    {
        foreach (string line in File.Exists(path) ? File.ReadAllLines(path) : [])
        {
            TrainingLogEntry? entry = null;
            try
            {
                entry = JsonSerializer.Deserialize<TrainingLogEntry>(line, Options);
            }
            catch (JsonException)
            {
                yield break;
            }

            if (entry is not null)
            {
                yield return entry;
            }
        }
    }
}

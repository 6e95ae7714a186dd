using System.Globalization;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Runtime.Weights.Safetensors;

namespace ModelCompiler.Tool.Training;

/// <summary>
/// The parameters as they were behind the step whose look at the held-out text went best, in a file beside the checkpoints. A run that is taken up again knows by the log which step that was;
/// a file of any other step is passed over, as one is that a killed run wrote behind its last checkpoint: that step comes again, to the same bits.
/// </summary>
internal sealed class BestWeights
{
    private const string FileName = "best.safetensors";
    private const string StepKey = "step";

    private readonly string path;
    private double least = double.PositiveInfinity;

    /// <param name="folder">Folder of the checkpoints.</param>
    /// <param name="log">The steps that are done.</param>
    public BestWeights(string folder, IReadOnlyList<TrainingLogEntry> log)
    {
        path = Path.Combine(folder, FileName);
        if (log.Where(entry => entry.Validation is not null).MinBy(entry => entry.Validation) is { Validation: { } loss } best && StepOfFile() == best.Step)
        {
            (Step, least) = (best.Step, loss);
        }
    }

    /// <summary>The best step so far; 0 without one.</summary>
    public long Step { get; private set; }

    /// <summary>Keeps the parameters where the held-out text went better than ever; the first of equals stays.</summary>
    /// <exception cref="IOException">They could not be written. Those before are still there.</exception>
    public void Look(TrainingProgress step, TrainableModel model)
    {
        if (step.Validation is { } found && found.Mean < least)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            TrainingCheckpoint.WriteWeights(path, model, new Dictionary<string, string> { [StepKey] = step.Step.ToString(CultureInfo.InvariantCulture) });
            (Step, least) = (step.Step, found.Mean);
        }
    }

    /// <summary>Gives the model the parameters of <see cref="Step"/>.</summary>
    public void TakeBack(TrainableModel model) => TrainingCheckpoint.ReadWeights(path, model);

    private long? StepOfFile()
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using SafetensorsReader file = new(path);
            return file.Metadata.TryGetValue(StepKey, out string? step) && long.TryParse(step, CultureInfo.InvariantCulture, out long found) ? found : null;
        }
        catch (SafetensorsFileException)
        {
            return null;
        }
    }
}

using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Numerics;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Runtime.Weights.Safetensors;

namespace ModelCompiler.Tool.Training;

/// <summary>
/// The parameters as they were behind the step whose look at the held-out text went best, in a file beside the checkpoints. A run that is taken up again finds in the log how that look went;
/// a file of a step that the log does not have is passed over: a killed run wrote it behind its last checkpoint, and that step comes again, to the same bits.
/// </summary>
internal sealed class BestWeights
{
    private const string FileName = "best.safetensors";
    private const string StepKey = "step";
    private const string ChecksumKey = "checksum";
    private const string Remedy = "Remove it, and the best of the steps to come is written, or the last; or give --keep last.";

    private readonly string path;
    private readonly IReadOnlyList<TrainingLogEntry> log;
    private double least = double.PositiveInfinity;

    /// <param name="folder">Folder of the checkpoints.</param>
    /// <param name="log">The steps that are done; those to come are added by the caller.</param>
    /// <exception cref="TrainingCheckpointException">The file is damaged.</exception>
    public BestWeights(string folder, IReadOnlyList<TrainingLogEntry> log)
    {
        path = Path.Combine(folder, FileName);
        this.log = log;
        if (File.Exists(path) && Open(StepOf) is { } step && log.FirstOrDefault(entry => entry.Step == step) is { Validation: { } loss })
        {
            (Step, least) = (step, loss);
        }
    }

    /// <summary>The best step of those whose parameters are there; 0 without one.</summary>
    public long Step { get; private set; }

    /// <summary>A step that went better by the log than <see cref="Step"/>, but whose parameters nobody kept; null where there is none.</summary>
    public long? Lost => log.Where(entry => entry.Validation < least).MinBy(entry => entry.Validation)?.Step;

    /// <summary>Keeps the parameters where the held-out text went better than ever; the first of equals stays.</summary>
    /// <exception cref="IOException">They could not be written. Those before are still there.</exception>
    public void Look(TrainingProgress step, TrainableModel model)
    {
        if (step.Validation is { } found && found.Mean < least)
        {
            using MadeFolder made = new(Path.GetDirectoryName(path)!);
            string name = step.Step.ToString(CultureInfo.InvariantCulture);
            string sum = Sum(name, model.Description.Tensors.Select(tensor => Numbers(tensor.Length, numbers => model.ReadTensor(tensor.Name, numbers))));
            TrainingCheckpoint.WriteWeights(path, model, new Dictionary<string, string> { [StepKey] = name, [ChecksumKey] = sum });
            (Step, least) = (step.Step, found.Mean);
        }
    }

    /// <summary>Gives the model the parameters of <see cref="Step"/>.</summary>
    /// <exception cref="TrainingCheckpointException">The file is damaged.</exception>
    public void TakeBack(TrainableModel model) => Open(file =>
    {
        _ = StepOf(file);
        TrainingCheckpoint.ReadWeights(path, model);
        return Step;
    });

    private T Open<T>(Func<SafetensorsReader, T> read)
    {
        try
        {
            using SafetensorsReader file = new(path);
            return read(file);
        }
        catch (SafetensorsFileException fault)
        {
            throw new TrainingCheckpointException(path, "the weights of the best step", $"a file that is damaged ({fault.Message.TrimEnd('.')})", "a whole one", Remedy, fault);
        }
    }

    /// <summary>The step of a whole file; null of one that this class did not write.</summary>
    private long? StepOf(SafetensorsReader file)
    {
        if (!file.Metadata.TryGetValue(StepKey, out string? name) || !file.Metadata.TryGetValue(ChecksumKey, out string? expected) || !long.TryParse(name, CultureInfo.InvariantCulture, out long step))
        {
            return null;
        }

        string found = Sum(name, file.Tensors.Select(tensor => Numbers(tensor.Elements, numbers => file.Read(tensor.Name, tensor.Shape, numbers))));
        return found == expected ? step : throw new TrainingCheckpointException(path, "checksum", found, expected, Remedy);
    }

    private static float[] Numbers(long length, Action<float[]> read)
    {
        float[] numbers = new float[checked((int)length)];
        read(numbers);
        return numbers;
    }

    /// <summary>Of the step, and of each tensor's own.</summary>
    private static string Sum(string step, IEnumerable<float[]> tensors)
        => Checksum.Of(Encoding.ASCII.GetBytes(step + string.Concat(tensors.Select(numbers => Checksum.Of(MemoryMarshal.AsBytes<float>(numbers))))));
}

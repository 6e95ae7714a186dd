using System.Globalization;
using System.Runtime.InteropServices;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Numerics;
using ModelCompiler.Runtime.Weights.Safetensors;

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// Checkpoints of a training: folders <c>step-0000000200</c> of a folder, each with <c>model.safetensors</c> (the parameters, as published),
/// <c>optimizer.safetensors</c> (<c>exp_avg.NAME</c> and <c>exp_avg_sq.NAME</c>, PyTorch's names for AdamW's means) and <c>training.json</c> (the
/// step, all that the bits depend on, and checksums of the other files). A folder is filled beside its place and renamed, then older ones are removed: there is always a whole one, or none.
/// All numbers are float32, so that going on from a checkpoint gives the bits of a run that was never interrupted.
/// </summary>
public static unsafe class TrainingCheckpoint
{
    internal const string WeightsFile = "model.safetensors";
    internal const string OptimizerFile = "optimizer.safetensors";
    internal const string StateFile = "training.json";

    /// <summary>Name of the folder of checkpoints beside a model that <c>modelc train</c> writes.</summary>
    internal const string UsualFolder = "checkpoints";

    private const string Prefix = "step-";
    private const string BesideSuffix = ".tmp";
    private const string Remedy = "Train with the model, the text and the options that it was made with, or remove it to begin anew.";

    /// <summary>The last whole checkpoint of a folder, or null.</summary>
    public static string? FindLast(string folder)
        => Directory.Exists(folder)
            ? Directory.EnumerateDirectories(folder, Prefix + "*").Where(path => StepOf(path) is not null).MaxBy(StepOf)
            : null;

    /// <summary>Writes a checkpoint and removes older ones.</summary>
    /// <returns>Its folder.</returns>
    /// <exception cref="IOException">It could not be written, for instance because the disk is full. Older ones stay as they were.</exception>
    internal static string Save(string folder, TrainableModel model, AdamW optimizer, TrainingState state)
    {
        string place = Path.Combine(folder, Prefix + state.Step.ToString("D10", CultureInfo.InvariantCulture));
        string beside = Beside(folder);
        using MadeFolder made = new(folder);
        try
        {
            Directory.CreateDirectory(beside);
            Write(Path.Combine(beside, WeightsFile), model, [("", (nint)model.Parameters)]);
            Write(Path.Combine(beside, OptimizerFile), model, [(TrainingState.MeanPrefix, (nint)optimizer.Means), (TrainingState.SquarePrefix, (nint)optimizer.Squares)]);
            string[] files = [WeightsFile, OptimizerFile];
            (state with { Files = [.. files.Select(file => new KeyValuePair<string, string>(file, Checksum.OfFile(Path.Combine(beside, file))))] }).Write(Path.Combine(beside, StateFile));
            Directory.Move(beside, place);
        }
        catch
        {
            RemoveQuietly(beside);
            throw;
        }

        // Older ones, and what a killed process left half.
        foreach (string other in Directory.EnumerateDirectories(folder).Where(path => StepOf(path) < state.Step || IsHalf(path)).ToArray())
        {
            RemoveQuietly(other);
        }

        return place;
    }

    /// <summary>Takes up a checkpoint. The model is whole afterwards, or, when this throws before anything was read, as it was.</summary>
    /// <exception cref="TrainingCheckpointException">It belongs to another training, or is damaged.</exception>
    internal static long Load(string place, TrainableModel model, AdamW optimizer, TrainingState expected)
    {
        string statePath = Path.Combine(place, StateFile);
        TrainingState found = TrainingState.Read(statePath);
        found.RequireSame(statePath, expected, Remedy);
        if (found.Step != StepOf(place))
        {
            throw new TrainingCheckpointException(statePath, "step", $"{found.Step}", $"{StepOf(place)}, as the folder's name says", Remedy);
        }

        try
        {
            using SafetensorsReader weights = new(Path.Combine(place, WeightsFile));
            using SafetensorsReader moments = new(Path.Combine(place, OptimizerFile));
            found.RequireWhole(place, WeightsFile, Remedy);
            found.RequireWhole(place, OptimizerFile, Remedy);
            Read(weights, model, [("", (nint)model.Parameters)]);
            Read(moments, model, [(TrainingState.MeanPrefix, (nint)optimizer.Means), (TrainingState.SquarePrefix, (nint)optimizer.Squares)]);
        }
        catch (SafetensorsFileException fault)
        {
            throw new TrainingCheckpointException(place, "a file of the checkpoint", $"one that is damaged ({fault.Message.TrimEnd('.')})", "a whole one", Remedy, fault);
        }
        catch (FileNotFoundException fault)
        {
            throw new TrainingCheckpointException(place, "a file of the checkpoint", "none", Path.GetFileName(fault.FileName) ?? "it", Remedy, fault);
        }

        optimizer.TakeUp(found.Step);
        return found.Step;
    }

    /// <summary>Writes the parameters alone as a published model.safetensors.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">Whose parameters.</param>
    /// <param name="half">Rounded to bfloat16 (to the nearest, halves to even): half the size.</param>
    /// <exception cref="IOException">It could not be written; a file that was there before stays as it was.</exception>
    public static void WriteWeights(string path, TrainableModel model, bool half = false) => Write(path, model, [("", (nint)model.Parameters)], half);

    /// <summary>Writes the parameters as float32, with what the file is to tell besides: of adapters, the weights that they were trained over.</summary>
    internal static void WriteWeights(string path, TrainableModel model, IReadOnlyDictionary<string, string> metadata) => Write(path, model, [("", (nint)model.Parameters)], metadata: metadata);

    /// <summary>Gives the model the parameters of a file that <see cref="WriteWeights(string, TrainableModel, bool)"/> wrote in float32.</summary>
    internal static void ReadWeights(string path, TrainableModel model)
    {
        using SafetensorsReader weights = new(path);
        Read(weights, model, [("", (nint)model.Parameters)]);
    }

    private static void Write(string path, TrainableModel model, (string Prefix, nint Numbers)[] buffers, bool half = false, IReadOnlyDictionary<string, string>? metadata = null)
    {
        IReadOnlyList<TrainingTensor> tensors = model.Description.Tensors;
        TensorDeclaration[] declarations = [.. buffers.SelectMany(buffer => tensors.Select(tensor => new TensorDeclaration(buffer.Prefix + tensor.Name, half ? "BF16" : "F32", tensor.Shape)))];
        using SafetensorsWriter writer = new(path, declarations, metadata);
        foreach ((string _, nint numbers) in buffers)
        {
            foreach (TrainingTensor tensor in tensors)
            {
                float[] published = new float[checked((int)tensor.Length)];
                model.ReadPublished((float*)numbers, tensor.Name, published);
                writer.Write(half ? MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(published, ToBFloat16)) : MemoryMarshal.AsBytes<float>(published));
            }
        }

        writer.Commit(toDisk: true);
    }

    private static void Read(SafetensorsReader reader, TrainableModel model, (string Prefix, nint Numbers)[] buffers)
    {
        foreach ((string prefix, nint numbers) in buffers)
        {
            foreach (TrainingTensor tensor in model.Description.Tensors)
            {
                float[] published = new float[checked((int)tensor.Length)];
                reader.Read(prefix + tensor.Name, tensor.Shape, published);
                model.WritePublished((float*)numbers, tensor.Name, published);
            }
        }
    }

    /// <summary>Finite numbers only, as parameters are.</summary>
    private static ushort ToBFloat16(float number)
    {
        uint bits = BitConverter.SingleToUInt32Bits(number);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Whether a folder has the name of one that <see cref="Save"/> fills.</summary>
    private static bool IsHalf(string path)
        => Path.GetExtension(path) == BesideSuffix && Guid.TryParseExact(Path.GetFileNameWithoutExtension(path), "n", out _);

    private static long? StepOf(string path)
        => Path.GetFileName(path) is { } name && name.StartsWith(Prefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step) ? step : null;

    private static string Beside(string folder) => Path.Combine(folder, $"{Guid.NewGuid():n}{BesideSuffix}");

    /// <summary>Renames a folder, then removes it: what a process killed meanwhile leaves does not look like a checkpoint.</summary>
    private static void RemoveQuietly(string folder)
    {
        try
        {
            string beside = Beside(Path.GetDirectoryName(folder)!);
            Directory.Move(folder, beside);
            Directory.Delete(beside, recursive: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // In nobody's way: it is no whole checkpoint, or an older one.
        }
    }
}

using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Commands;

namespace ModelCompiler.Tool.Training;

/// <summary>The folder that a training writes: the model as published ones are laid out, and beside it how it came about.</summary>
internal sealed class TrainingFolder(string path) : IDisposable
{
    private MadeFolder? made;

    /// <summary>Folder of the checkpoints.</summary>
    public string Checkpoints { get; } = Path.Combine(path, TrainingCheckpoint.UsualFolder);

    /// <summary>train-log.jsonl.</summary>
    public string Log { get; } = Path.Combine(path, "train-log.jsonl");

    /// <summary>loss.svg.</summary>
    public string Curve { get; } = Path.Combine(path, "loss.svg");

    /// <summary>Whether <see cref="Begin"/> removed what an earlier training needs to be gone on with.</summary>
    public bool Replaced { get; private set; }

    /// <summary>Makes the folder ready.</summary>
    /// <param name="resume">What lies there is gone on with.</param>
    /// <param name="force">What lies there may be lost.</param>
    /// <exception cref="UsageException">A model or another training lies there.</exception>
    public void Begin(bool resume, bool force)
    {
        bool goesOn = resume && TrainingCheckpoint.FindLast(Checkpoints) is not null;
        if (!goesOn && !force && Found() is { } found)
        {
            throw new UsageException(resume
                ? $"--resume: found {found} in '{path}' and no checkpoint, expected one: beginning anew would replace that model. Name another folder, or give --force to replace it."
                : $"-o: found {found} in '{path}', expected a folder without a model. Name another folder, give --resume to go on with that training, or --force to replace it.");
        }

        made = new(path);
        if (goesOn)
        {
            return;
        }

        Replaced = Directory.Exists(Checkpoints) || File.Exists(Log);
        File.Delete(Log);
        if (Directory.Exists(Checkpoints))
        {
            Directory.Delete(Checkpoints, recursive: true);
        }
    }

    /// <summary>Takes back the folder that <see cref="Begin"/> made, where nothing came to lie in it.</summary>
    public void Dispose() => made?.Dispose();

    /// <summary>Writes the model. The weights come last: without them the folder is no model.</summary>
    public void WriteModel(TrainableModel model, TrainingSource source, bool half)
    {
        if (source.Tokenizer.Config is { } tokenizerConfig)
        {
            WholeFile.Write(Path.Combine(path, "tokenizer_config.json"), tokenizerConfig);
        }

        WholeFile.Write(Path.Combine(path, "tokenizer.json"), source.Tokenizer.Json);
        WholeFile.Write(Path.Combine(path, "generation_config.json"), TrainingConfig.Generation(source.Graph.Dimensions.BeginToken, source.Graph.Dimensions.EndTokens));
        WholeFile.Write(Path.Combine(path, "config.json"), source.Inputs.Config.File.Text);
        TrainingCheckpoint.WriteWeights(Path.Combine(path, "model.safetensors"), model, half);
    }

    private string? Found()
        => new[] { "config.json", AdapterFolder.ConfigFile }.FirstOrDefault(file => File.Exists(Path.Combine(path, file))) is { } config ? config
            : Directory.Exists(path) && Directory.EnumerateFiles(path, "*.safetensors").FirstOrDefault() is { } weights ? Path.GetFileName(weights)
            : TrainingCheckpoint.FindLast(Checkpoints) is { } checkpoint ? Path.Combine(TrainingCheckpoint.UsualFolder, Path.GetFileName(checkpoint))
            : null;
}

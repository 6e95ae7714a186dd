using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Conformance.Native;

/// <summary>A few AdamW steps of a model on a made-up text, the same ones wherever this runs.</summary>
/// <param name="load">Makes the model, for a number of threads.</param>
/// <param name="parameters">All that is trained, tensor by tensor as published, to begin with.</param>
internal sealed class ShortTraining(Func<int, TrainableModel> load, float[] parameters)
{
    private const int Length = 21;

    private static readonly TrainerOptions options = new() { Steps = 4, Batch = 2, Context = Length, Accumulate = 2, LearningRate = 3e-3, EvaluateEvery = 0 };

    /// <summary>Trains with one thread.</summary>
    /// <returns>Each step's loss, then all parameters, tensor by tensor.</returns>
    public float[] Run()
    {
        using TrainableModel model = Begin(1);
        Losses losses = [];
        using Trainer trainer = new(model, Text(model), options);
        trainer.Run(losses);
        return [.. losses, .. Parameters(model)];
    }

    /// <summary>The same in two parts: cancelled behind the second step and taken up from the checkpoint by another model.</summary>
    public float[] RunInTwo(string checkpoints, int threads)
    {
        TrainerOptions kept = options with { CheckpointFolder = checkpoints, Resume = true };
        using CancellationTokenSource stop = new();
        Losses losses = [];
        losses.Told = count =>
        {
            if (count == 2)
            {
                stop.Cancel();
            }
        };
        using (TrainableModel stopped = Begin(threads))
        {
            using Trainer trainer = new(stopped, Text(stopped), kept);
            try
            {
                trainer.Run(losses, stop.Token);
            }
            catch (OperationCanceledException)
            {
            }
        }

        using TrainableModel model = load(threads); // its numbers are 0: they come from the checkpoint
        using Trainer second = new(model, Text(model), kept);
        second.Run(losses);
        return [.. losses, .. Parameters(model)];
    }

    private TrainableModel Begin(int threads)
    {
        TrainableModel model = load(threads);
        int at = 0;
        foreach (TrainingTensor tensor in model.Description.Tensors)
        {
            model.WriteTensor(tensor.Name, parameters.AsSpan(at, (int)tensor.Length));
            at += (int)tensor.Length;
        }

        return model;
    }

    private static TokenData Text(TrainableModel model)
    {
        int vocab = model.Description.Vocab;
        return new(Enumerable.Range(0, 300).Select(i => i * i * 7 % vocab).ToArray(), default);
    }

    private static IEnumerable<float> Parameters(TrainableModel model) => model.Description.Tensors.SelectMany(tensor =>
    {
        float[] numbers = new float[tensor.Length];
        model.ReadTensor(tensor.Name, numbers);
        return numbers;
    });

    private sealed class Losses : List<float>, IProgress<TrainingProgress>
    {
        public Action<int> Told { get; set; } = _ => { };

        public void Report(TrainingProgress value)
        {
            Add((float)value.Loss);
            Told(Count);
        }
    }
}

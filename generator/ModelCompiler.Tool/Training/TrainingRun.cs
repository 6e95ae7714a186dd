using System.Globalization;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Tool.Training;

/// <summary>A training from the texts to the model's folder.</summary>
/// <param name="request">What was asked.</param>
/// <param name="force">Whether the output folder may be overwritten.</param>
/// <param name="load">Makes the trainable model of a source, its numbers 0.</param>
/// <param name="cancellation">Looked at between micro-batches; the training can be resumed then.</param>
internal sealed class TrainingRun(TrainingRequest request, bool force, Func<TrainingSource, TrainableModel> load, CancellationToken cancellation)
{
    private readonly TrainingDisplay display = new();
    private readonly TrainingFolder folder = new(request.Output);

    /// <summary>Writes a piece of text behind the prompt at each look at the held-out text; null: none.</summary>
    public Func<TrainableModel, TrainingSource, Tokenizer, ITrainingSampler>? MakeSampler { get; init; }

    /// <summary>Trains and writes.</summary>
    /// <returns>What the whole held-out text gives at the end, and its bytes; null without one.</returns>
    public (HeldOutLoss Loss, long Bytes)? Run()
    {
        TrainingText text = request.ReadTexts();
        using TrainingSource source = TrainingSource.Of(request, text.HeldOut is null ? text.Documents : [.. text.Documents, .. text.HeldOut], cancellation);
        Tokenizer tokenizer = source.Tokenizer.Open(source.Graph.Dimensions.Vocab);
        int end = source.Graph.Dimensions.EndTokens.Count > 0 ? source.Graph.Dimensions.EndTokens[0] : tokenizer.EndId;
        TokenData data = text.Encode(tokenizer, source.Graph.Dimensions.BeginToken, end);
        _ = new BatchSampler(data.Training, 0, request.Options.Context); // a text that is too short is told before anything is compiled
        folder.Begin(request.Options.Resume, force);
        using TrainableModel model = load(source);
        source.Fill(model, cancellation);
        using Trainer trainer = new(model, data, request.Options with { CheckpointFolder = folder.Checkpoints });
        display.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"{model.ParameterCount:N0} parameters, {tokenizer.VocabularySize:N0} tokens known, {data.Training.Length:N0} tokens to learn from, {data.HeldOut.Length:N0} held out, {model.Threads} threads{(trainer.Step > 0 ? $"; going on behind step {trainer.Step}" : "")}"));
        Train(model, source, tokenizer, trainer);
        folder.WriteModel(model, source, request.Half);
        return trainer.Evaluate(cancellation: cancellation) is { } found ? (found, TrainingText.CountBytes(tokenizer, data.HeldOut)) : null;
    }

    private void Train(TrainableModel model, TrainingSource source, Tokenizer tokenizer, Trainer trainer)
    {
        using TrainingLog log = new(folder.Log, trainer.Step);
        using ITrainingSampler? sampler = MakeSampler?.Invoke(model, source, tokenizer);
        Listener listener = new(step =>
        {
            log.Add(step);
            display.Show(step);
            if (step.Validation is not null || step.Step == step.Steps)
            {
                LossCurve.Write(folder.Curve, log.Entries);
                if (sampler?.Sample(request.Prompt, cancellation) is { } sample)
                {
                    display.Say($"    {sample.ReplaceLineEndings("\n    ")}");
                }
            }
        });
        display.During(request.Options.Steps, () => trainer.Run(listener, cancellation));
    }

    private sealed class Listener(Action<TrainingProgress> listen) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => listen(value);
    }
}

/// <summary>Lets a model that is being trained write.</summary>
internal interface ITrainingSampler : IDisposable
{
    /// <summary>What the model writes behind a prompt now.</summary>
    string Sample(string prompt, CancellationToken cancellation);
}

using System.Globalization;
using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Text;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Commands;

namespace ModelCompiler.Tool.Training;

/// <summary>What came of a training.</summary>
/// <param name="Step">The step behind which the model is as it was written.</param>
/// <param name="Lost">The step where the held-out text went best, if the best model was to be written but that one was not kept; else null.</param>
/// <param name="HeldOut">What the whole held-out text gives then; null without one.</param>
/// <param name="HeldOutBytes">Its bytes.</param>
internal sealed record TrainingResult(long Step, long? Lost, HeldOutLoss? HeldOut, long HeldOutBytes);

/// <summary>A training from the texts to the model's folder.</summary>
/// <param name="request">What was asked.</param>
/// <param name="force">Whether the output folder may be overwritten.</param>
/// <param name="load">Makes the trainable model of a source, its numbers 0.</param>
/// <param name="cancellation">Looked at between micro-batches; the training can be resumed then.</param>
internal sealed class TrainingRun(TrainingRequest request, bool force, Func<TrainingSource, TrainableModel> load, CancellationToken cancellation)
{
    private readonly TrainingDisplay display = new();
    private readonly TrainingFolder folder = new(request.Output);

    private Trainer? begun;

    /// <summary>Trains and writes.</summary>
    public TrainingResult Run()
    {
        try
        {
            return TrainAndWrite();
        }
        catch (OperationCanceledException)
        {
            display.Say(begun is { Step: > 0 and var step }
                ? $"Stopped behind step {step}. A checkpoint was written: the same command with --resume goes on."
                : $"Stopped before the first step was done: nothing was written.{(folder.Replaced ? " The checkpoints and the log that lay there are removed." : "")}");
            throw;
        }
        finally
        {
            folder.Dispose();
        }
    }

    private TrainingResult TrainAndWrite()
    {
        TrainingText text = request.ReadTexts(cancellation);
        using TrainingSource source = TrainingSource.Of(request, text.HeldOut is null ? text.Documents : [.. text.Documents, .. text.HeldOut], cancellation);
        Tokenizer tokenizer = source.Tokenizer.Open(source.Graph.Dimensions.Vocab);
        int end = source.Graph.Dimensions.EndTokens.Count > 0 ? source.Graph.Dimensions.EndTokens[0] : tokenizer.EndId;
        RequireRoom(tokenizer, source); // what model and text do not allow is told before anything is compiled
        TokenData data = text.Encode(tokenizer, source.Graph.Dimensions.BeginToken, end);
        Trainer.RequireWindows(data, request.Options.Context);
        folder.Begin(request.Options.Resume, force);
        using TrainableModel model = load(source);
        source.Fill(model, request.Options.Seed, cancellation);
        KeptConfig config = new(folder.Checkpoints);
        using Trainer trainer = TakeUp(model, data, config, source.Inputs.Config.File.Text);
        begun = trainer;
        display.Say(string.Create(
            CultureInfo.InvariantCulture,
            $"{model.ParameterCount:N0} parameters, {tokenizer.VocabularySize:N0} tokens known, {data.Training.Length:N0} tokens to learn from, {data.HeldOut.Length:N0} held out, {model.Threads} threads{Behind(trainer.Step)}"));
        if (source.ReplacedVocabulary is { } replaced)
        {
            display.Say($"The config's vocab_size, {replaced}, is more than the tokenizer made of the text has: the model gets {source.Graph.Dimensions.Vocab}.");
        }

        if (request.FromScratch && request.Options.Context < source.Graph.Dimensions.ContextLength)
        {
            display.Say($"The model's config has {source.Graph.Dimensions.ContextLength} positions; those behind --context {request.Options.Context} are not learned, and text is poor there.");
        }

        string prompt = request.Prompt ?? "";
        if (request.Prompt is null && request.FromScratch && text.Opening(tokenizer, request.Options.Context / 2) is { } opening)
        {
            prompt = opening;
            display.Say("The text is a single document, so that the model hardly sees how one begins: samples go on from its first words (--prompt: from others), and whoever runs the model should give it a prompt.");
        }

        (long written, long? lost) = Train(model, source, trainer, config, prompt);
        if (model.Description.Adapter is null)
        {
            folder.WriteModel(model, source, request.Half);
        }
        else
        {
            AdapterFolder.Write(request.Output, model, request.Source);
        }

        return new(written, lost, trainer.Evaluate(cancellation: cancellation), TrainingText.CountBytes(tokenizer, data.HeldOut));
    }

    /// <exception cref="ResumeException">The checkpoint to go on from was made with other options.</exception>
    private Trainer TakeUp(TrainableModel model, TokenData data, KeptConfig kept, string config)
    {
        try
        {
            return new(model, data, request.Options with { CheckpointFolder = folder.Checkpoints });
        }
        catch (TrainingCheckpointException fault) when (ResumedOptions.Explain(fault, request.Output, kept, config) is ResumeException explained)
        {
            throw explained;
        }
    }

    private string Behind(long step)
        => step == 0 ? ""
            : step < request.Options.Steps ? $"; going on behind step {step}"
            : $"; all {step} steps are done already: nothing is left to learn, and the model is written once more";

    /// <exception cref="UsageException">The model's context is shorter than what it is to read.</exception>
    private void RequireRoom(Tokenizer tokenizer, TrainingSource source)
    {
        int context = source.Graph.Dimensions.ContextLength;
        if (request.Options.Context > context)
        {
            throw new UsageException($"--context: found {request.Options.Context}, expected at most {context}, the positions that the model has by its config.");
        }

        int prompt = tokenizer.Encode(request.Prompt ?? "").Length;
        if (prompt >= context)
        {
            throw new UsageException($"--prompt: found {prompt} tokens, expected fewer than {context}, the context of the model.");
        }
    }

    /// <returns>The step behind which the model is now as it is to be written, and the better one that was not kept.</returns>
    private (long Written, long? Lost) Train(TrainableModel model, TrainingSource source, Trainer trainer, KeptConfig config, string prompt)
    {
        using TrainingLog log = new(folder.Log, trainer.Step);
        BestWeights? best = request.KeepBest ? new(folder.Checkpoints, log.Entries) : null;
        using TrainingSampler sampler = new(model, source, request.Loading);
        Listener listener = new(step =>
        {
            config.Keep(source.Inputs.Config.File.Text);
            log.Add(step);
            display.Show(step);
            best?.Look(step, model);
            if (step.Validation is not null || step.Step == step.Steps)
            {
                LossCurve.Write(folder.Curve, log.Entries);
            }

            if (model.Description.Adapter is null && (step.Validation is not null || step.Step == step.Steps))
            {
                display.Say($"    {sampler.Sample(prompt, cancellation).ReplaceLineEndings("\n    ")}");
            }
        });
        display.During(request.Options.Steps, () => trainer.Run(listener, cancellation));
        if (best is not { Step: > 0 })
        {
            return (trainer.Step, best?.Lost);
        }

        best.TakeBack(model);
        return (best.Step, best.Lost);
    }

    private sealed class Listener(Action<TrainingProgress> listen) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => listen(value);
    }
}

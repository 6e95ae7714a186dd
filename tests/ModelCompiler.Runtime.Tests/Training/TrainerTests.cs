using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Runtime.Tests.Training;

/// <summary>Trainings and their checkpoints, with a model of two tensors.</summary>
public sealed class TrainerTests : IDisposable
{
    private static readonly TokenData Text = TokenData.Tail(Enumerable.Range(0, 2000).Select(i => ((i * i) + (i / 7)) % BigramModel.Vocab).ToArray(), 0.1);

    private readonly string folder = Directory.CreateTempSubdirectory("modelcompiler-tests-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private TrainerOptions Options => new()
    {
        Steps = 20, Batch = 4, Context = 16, Accumulate = 2, LearningRate = 0.05, WarmUp = 3, EvaluateEvery = 10, CheckpointFolder = folder,
    };

    [Fact]
    public void TheLossFalls()
    {
        List<TrainingProgress> steps = [];
        Train(Options with { Steps = 60 }, steps);
        Assert.Equal(60, steps.Count);
        Assert.True(steps[^1].Loss < steps[0].Loss - 0.5, $"{steps[0].Loss} → {steps[^1].Loss}");
        Assert.Equal([10L, 20, 30, 40, 50, 60], steps.Where(step => step.Validation is not null).Select(step => step.Step));
        Assert.True(steps[^1].Validation!.Value.Mean < steps[9].Validation!.Value.Mean);
        Assert.Equal(199, steps[^1].Validation!.Value.Tokens);
        Assert.Equal(TimeSpan.Zero, steps[^1].Remaining);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void ThreadsDoNotChangeABit(int threads)
        => Assert.Equal(Train(Options), Train(Options with { CheckpointFolder = null }, threads: threads));

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(19)]
    public void AnInterruptedTrainingGivesTheSameBits(int after)
    {
        float[] whole = Train(Options with { CheckpointFolder = null });
        using (CancellationTokenSource stop = new())
        {
            Assert.ThrowsAny<OperationCanceledException>(() => Train(Options, cancellation: stop.Token, each: step => Stop(stop, step.Step == after)));
        }

        Assert.EndsWith($"step-{after:D10}", TrainingCheckpoint.FindLast(folder)!, StringComparison.Ordinal);
        List<TrainingProgress> rest = [];
        Assert.Equal(whole, Train(Options with { Resume = true }, rest));
        Assert.Equal(20 - after, rest.Count);
        Assert.Single(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void CancelledWithinAStepWhatWasDoneOfItIsForgotten()
    {
        float[] whole = Train(Options with { CheckpointFolder = null });
        using CancellationTokenSource stop = new();
        int batches = 0;
        Assert.ThrowsAny<OperationCanceledException>(() => Train(Options, cancellation: stop.Token, interfere: () => Stop(stop, ++batches == 11)));
        Assert.EndsWith("step-0000000005", TrainingCheckpoint.FindLast(folder)!, StringComparison.Ordinal);
        Assert.Equal(whole, Train(Options with { Resume = true }));
    }

    [Fact]
    public void ALossThatIsNoNumberNamesTheStepAndKeepsTheCheckpoint()
    {
        using (CancellationTokenSource stop = new())
        {
            Assert.ThrowsAny<OperationCanceledException>(() => Train(Options, cancellation: stop.Token, each: step => Stop(stop, step.Step == 5)));
        }

        string before = TrainingCheckpoint.FindLast(folder)!;
        using BigramModel model = new BigramModel().Fill();
        int batches = 0;
        model.Interfere = () => Poison(model, ++batches == 3);
        using Trainer trainer = new(model, Text, Options with { Resume = true });
        NotFiniteTrainingException fault = Assert.Throws<NotFiniteTrainingException>(() => trainer.Run());
        Assert.Equal(7, fault.Step);
        Assert.Contains("step 7: found the loss NaN", fault.Message, StringComparison.Ordinal);
        Assert.Equal(before, TrainingCheckpoint.FindLast(folder));

        static void Poison(BigramModel model, bool now)
        {
            if (now)
            {
                model.WriteTensor("bias", [.. Enumerable.Repeat(float.NaN, BigramModel.Vocab)]);
            }
        }
    }

    [Fact]
    public void AnotherTrainingsCheckpointIsRefused()
    {
        Train(Options);
        AssertRefused(Options with { Seed = 2 }, "seed: found 1, expected 2");
        AssertRefused(Options with { LearningRate = 0.01 }, "learningRate: found 0.05, expected 0.01");
        AssertRefused(Options with { Steps = 30 }, "steps: found 20, expected 30");
        AssertRefused(Options, "text: found", TokenData.Tail(Text.Training, 0.5));
        AssertRefused(Options, "model: found b", modelHash: "c");
    }

    [Theory]
    [InlineData(TrainingCheckpoint.WeightsFile)]
    [InlineData(TrainingCheckpoint.OptimizerFile)]
    [InlineData(TrainingCheckpoint.StateFile)]
    public void ADamagedCheckpointIsRefused(string file)
    {
        Train(Options);
        string path = Path.Combine(TrainingCheckpoint.FindLast(folder)!, file);
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..^1]);
        AssertRefused(Options, file);
        File.WriteAllBytes(path, whole[..5]);
        AssertRefused(Options, file);
        whole.AsSpan(0, 8).Fill(0x7F);
        File.WriteAllBytes(path, whole);
        AssertRefused(Options, file);
        File.Delete(path);
        AssertRefused(Options, file);
    }

    [Theory]
    [InlineData(TrainingCheckpoint.WeightsFile)]
    [InlineData(TrainingCheckpoint.OptimizerFile)]
    public void AFlippedBitIsNoticed(string file)
    {
        Train(Options);
        string path = Path.Combine(TrainingCheckpoint.FindLast(folder)!, file);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^5] ^= 0x10;
        File.WriteAllBytes(path, bytes);
        AssertRefused(Options, "checksum: found ");
    }

    [Fact]
    public void AStateThatNamesAnotherStepIsRefused()
    {
        Train(Options);
        string path = Path.Combine(TrainingCheckpoint.FindLast(folder)!, TrainingCheckpoint.StateFile);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"step\": 20", "\"step\": 10", StringComparison.Ordinal));
        AssertRefused(Options, "step: found 10, expected 20");
    }

    [Theory]
    [InlineData("{\n\"version\" 2 }", "found text that is no JSON (line 2)")]
    [InlineData("", "found text that is no JSON (line 1)")]
    [InlineData("{ \"version\": 2 }", "found JSON of another form")]
    [InlineData("[2]", "found JSON of another form")]
    [InlineData("{ \"version\": 2, \"step\": 1, \"settings\": { \"seed\": 1 }, \"files\": {} }", "found JSON of another form")]
    public void AStateThatIsBrokenIsToldInWordsOfOurs(string text, string found)
    {
        Train(Options);
        File.WriteAllText(Path.Combine(TrainingCheckpoint.FindLast(folder)!, TrainingCheckpoint.StateFile), text);
        AssertRefused(Options, $"training.json: the state of the training: {found}, expected an object with the numbers version and step, and with settings and files, objects of texts. Remove");
    }

    /// <summary>A process that was killed leaves such a folder; others are none of ours.</summary>
    [Fact]
    public void WhatAKilledProcessLeftIsRemovedAndNothingElse()
    {
        Directory.CreateDirectory(Path.Combine(folder, $"{Guid.NewGuid():n}.tmp"));
        Directory.CreateDirectory(Path.Combine(folder, "cache.tmp"));
        Train(Options);
        Assert.Equal(["cache.tmp", "step-0000000020"], Directory.GetFileSystemEntries(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ATrainingIsNotBegunAnewOverACheckpoint()
    {
        Train(Options);
        string before = TrainingCheckpoint.FindLast(folder)!;
        TrainingCheckpointException fault = Assert.Throws<TrainingCheckpointException>(() => Train(Options with { Steps = 5 }));
        Assert.Contains("found step-0000000020, expected none, where a training begins. Set Resume", fault.Message, StringComparison.Ordinal);
        Assert.Equal(before, TrainingCheckpoint.FindLast(folder));
    }

    [Fact]
    public void CancelledBeforeTheFirstStepNothingIsWritten()
    {
        Assert.ThrowsAny<OperationCanceledException>(() => Train(Options, cancellation: new CancellationToken(canceled: true)));
        Assert.Null(TrainingCheckpoint.FindLast(folder));
    }

    [Fact]
    public void ACheckpointOfTheSameStepIsNotWrittenTwice()
    {
        using CancellationTokenSource stop = new();
        Assert.ThrowsAny<OperationCanceledException>(() => Train(Options with { CheckpointEvery = 1 }, cancellation: stop.Token, interfere: () =>
        {
            if (TrainingCheckpoint.FindLast(folder) is { } last && last.EndsWith("5", StringComparison.Ordinal) && !stop.IsCancellationRequested)
            {
                File.WriteAllText(Path.Combine(last, "mark"), "");
                stop.Cancel();
            }
        }));
        Assert.True(File.Exists(Path.Combine(TrainingCheckpoint.FindLast(folder)!, "mark")));
    }

    /// <summary>The step is done, so it belongs into a log.</summary>
    [Fact]
    public void AStepIsToldAlsoWhenTheLookAtTheHeldOutTextIsCancelled()
    {
        List<TrainingProgress> steps = [];
        using CancellationTokenSource stop = new();
        int batches = 0;
        Assert.ThrowsAny<OperationCanceledException>(() => Train(Options with { EvaluateEvery = 1 }, steps, cancellation: stop.Token, interfere: () => Stop(stop, ++batches == 3)));
        Assert.Null(Assert.Single(steps).Validation);
        Assert.EndsWith("step-0000000001", TrainingCheckpoint.FindLast(folder)!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void AStepEndsAtTheBarrierBehindACancellation(int threads)
    {
        using BigramModel model = new BigramModel(threads).Fill();
        TrainingBatch batch = new(2, 8);
        batch.Targets.Fill(1);
        using CancellationTokenSource stop = new();
        model.Interfere = stop.Cancel;
        Assert.ThrowsAny<OperationCanceledException>(() => model.ForwardBackward(batch, 1, stop.Token));
        float[] gradient = new float[BigramModel.Vocab];
        model.ReadGradient("bias", gradient);
        Assert.All(gradient, number => Assert.Equal(0, number));
        model.Interfere = null;
        Assert.True(model.ForwardBackward(batch, 1) > 0);
    }

    [Fact]
    public void AHeldOutTextWithoutAWindowIsToldAsSuch()
    {
        using BigramModel model = new();
        TextTooShortException fault = Assert.Throws<TextTooShortException>(() => new Trainer(model, new(Text.Training, Text.HeldOut[..16]), Options));
        Assert.Contains("the held-out text: found 16 tokens, expected none, or at least 17", fault.Message, StringComparison.Ordinal);
    }

    /// <summary>Whatever the text: more of it would not help.</summary>
    [Fact]
    public void AContextLongerThanTheModelsIsToldBeforeAShortText()
    {
        using BigramModel model = new();
        ArgumentOutOfRangeException fault = Assert.Throws<ArgumentOutOfRangeException>(() => new Trainer(model, new(Text.Training[..16], Text.HeldOut), Options with { Context = 65 }));
        Assert.Equal(("options.Context", 65), (fault.ParamName, fault.ActualValue));
    }

    [Fact]
    public void AFolderThatCannotBeWrittenKeepsTheLastCheckpoint()
    {
        Train(Options with { Steps = 5 });
        string last = TrainingCheckpoint.FindLast(folder)!;
        byte[] weights = File.ReadAllBytes(Path.Combine(last, TrainingCheckpoint.WeightsFile));

        // What the disk would say, said by a file that stands where a folder has to be.
        string blocked = Path.Combine(folder, "blocked");
        File.WriteAllText(blocked, "");
        Assert.ThrowsAny<IOException>(() => Train(Options with { CheckpointFolder = blocked }));
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(last, TrainingCheckpoint.WeightsFile)));
    }

    [Fact]
    public void ResumingWithoutACheckpointBegins()
    {
        List<TrainingProgress> steps = [];
        Train(Options with { Resume = true, Steps = 3 }, steps);
        Assert.Equal(3, steps.Count);
    }

    private static void Stop(CancellationTokenSource stop, bool now)
    {
        if (now)
        {
            stop.Cancel();
        }
    }

    private void AssertRefused(TrainerOptions options, string says, TokenData? text = null, string modelHash = "b")
    {
        using BigramModel model = new(modelHash: modelHash);
        TrainingCheckpointException fault = Assert.Throws<TrainingCheckpointException>(() => new Trainer(model, text ?? Text, options with { Resume = true }));
        Assert.Contains(says, fault.Message, StringComparison.Ordinal);
    }

    private static float[] Train(
        TrainerOptions options, List<TrainingProgress>? steps = null, int threads = 1, CancellationToken cancellation = default,
        Action<TrainingProgress>? each = null, Action? interfere = null)
    {
        using BigramModel model = new BigramModel(threads).Fill();
        model.Interfere = interfere;
        using Trainer trainer = new(model, Text, options);
        trainer.Run(new Listener(step => { steps?.Add(step); each?.Invoke(step); }), cancellation);
        return [.. model.Read("table"), .. model.Read("bias")];
    }

    private sealed class Listener(Action<TrainingProgress> listen) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => listen(value);
    }
}

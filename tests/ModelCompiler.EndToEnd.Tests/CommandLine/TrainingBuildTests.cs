namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>A user's program that trains its own model.</summary>
public sealed class TrainingBuildTests : IDisposable
{
    private const string Program = """
        using ModelCompiler.Runtime.Training;

        using TinyModel.Trainable model = TinyModel.LoadForTraining();
        int[] text = [.. Enumerable.Range(0, 400).Select(i => 3 + (i * i % 13))];
        using Trainer trainer = new(model, new TokenData(text, text), new() { Steps = 8, Batch = 2, Context = 16, LearningRate = 3e-3, EvaluateEvery = 0 });
        HeldOutLoss before = trainer.Evaluate()!.Value;
        trainer.Run();
        Console.WriteLine($"{before.Mean > trainer.Evaluate()!.Value.Mean + 0.3} {before.Mean:R}");
        TrainingCheckpoint.WriteWeights("trained.safetensors", model);
        [CompiledModel("tiny", Training = true)] internal sealed partial class TinyModel;
        """;

    private readonly TemporaryProject project = new("""<CompiledModel Include="models/tiny/" Weights="$(W)" Embed="$(E)" Training="$(T)" />""");

    public void Dispose() => project.Dispose();

    [Fact]
    public void TheBuildPacksAndEmitsWhatTrainingNeeds()
    {
        project.Synthesise();
        project.Write("Program.cs", Program);
        Assert.Contains("error MC315: the model 'tiny': found Training 'perhaps', expected true or false.", project.Build("-p:T=perhaps").Expect(1).Output, StringComparison.Ordinal);
        project.Build("-p:T=true", "-p:W=q8").Expect(0);
        Assert.True(File.Exists(project["bin/Release/net10.0/tiny.train.mcw"]));
        string trained = project.Run();
        Assert.StartsWith("True ", trained, StringComparison.Ordinal);

        project.Build("-p:T=true", "-p:W=f32", "-p:E=true").Expect(0);
        File.Delete(project["bin/Release/net10.0/tiny.train.mcw"]);
        Assert.Equal(trained, project.Run());
    }
}

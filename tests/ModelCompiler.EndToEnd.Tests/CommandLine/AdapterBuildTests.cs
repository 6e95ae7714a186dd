namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>A user's program that trains adapters over its own model, loads them beside it, and is built with them merged.</summary>
public sealed class AdapterBuildTests : IDisposable
{
    private const string Training = """
        using ModelCompiler.Runtime;
        using ModelCompiler.Runtime.Adapters;
        using ModelCompiler.Runtime.Training;

        using TinyModel.Trainable model = TinyModel.LoadForTraining();
        int[] text = [.. Enumerable.Range(0, 400).Select(i => 3 + (i * i % 13))];
        using Trainer trainer = new(model, new TokenData(text, text), new() { Steps = 12, Batch = 2, Context = 16, LearningRate = 3e-2, EvaluateEvery = 0 });
        double before = trainer.Evaluate()!.Value.Mean;
        trainer.Run();
        AdapterFolder.Write("adapter", model, "tiny");
        using TinyModel plain = TinyModel.Load(), adapted = TinyModel.Load(new LoadOptions { Adapter = "adapter" });
        Console.WriteLine($"{before > trainer.Evaluate()!.Value.Mean + 0.1} {First(plain) != First(adapted)} {First(adapted):R}");
        static float First(CompiledModel model)
        {
            using var session = model.CreateSession();
            return session.Forward([1, 2, 3]).Last[5];
        }

        [CompiledModel("tiny", Training = true)] internal sealed partial class TinyModel;
        """;

    private const string Merged = """
        using ModelCompiler.Runtime;

        using TinyModel model = TinyModel.Load();
        using var session = model.CreateSession();
        Console.WriteLine($"{session.Forward([1, 2, 3]).Last[5]:R}");
        [CompiledModel("tiny")] internal sealed partial class TinyModel;
        """;

    private readonly TemporaryProject project = new("""<CompiledModel Include="models/tiny/" Weights="$(W)" LoraRank="$(R)" LoraTargets="$(L)" Training="$(T)" Adapter="$(A)" Verify="$(V)" />""");

    public void Dispose() => project.Dispose();

    [Fact]
    public void TrainedLoadedAndMerged()
    {
        project.Synthesise();
        project.Write("Program.cs", Training);
        Assert.Contains("found the target 'none'", project.Build("-p:T=true", "-p:W=q4", "-p:R=2", "-p:L=none").Expect(1).Output, StringComparison.Ordinal);
        Assert.Contains("Verifying model 'tiny', without an adapter, with", project.Build("-p:T=true", "-p:W=f32", "-p:R=2", "-p:V=true").Expect(0).Output, StringComparison.Ordinal);
        Assert.False(File.Exists(project["bin/Release/net10.0/tiny.train.mcw"]));
        string[] trained = project.Run().Split();
        Assert.Equal(["True", "True"], trained[..2]);

        project.Write("Program.cs", Merged);
        // What is verified is what is packed: the merged weights.
        string verified = project.Build("-p:W=f32", "-p:A=adapter", "-p:V=true", "-v:n").Expect(0).Output;
        Assert.Matches("modelc.dll\" verify .* --adapter \".*adapter\"", verified);
        Assert.Equal(float.Parse(trained[2], System.Globalization.CultureInfo.InvariantCulture), float.Parse(project.Run(), System.Globalization.CultureInfo.InvariantCulture), 1e-4);
    }
}

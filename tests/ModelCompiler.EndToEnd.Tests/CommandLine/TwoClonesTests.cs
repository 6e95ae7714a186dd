namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>Two clones of the repository on one machine.</summary>
public sealed class TwoClonesTests : IDisposable
{
    private const string Prompt = "The goldsmith";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>From nothing, with one compiler server; a generator of the same name and version, and a model of the same name, are not the same in both. Nor is the platform of the solution, which tool and generator do not take over.</summary>
    [Fact]
    public async Task BuildAtOnceAndKnowNothingOfEachOther()
    {
        SourceClone one = new(folder["one"]), two = new(folder["two"], "x64");
        two.Replace("generator/ModelCompiler.Compiler/Emit/EmittedClass.cs", "// Written by ModelCompiler;", "// Written by the second clone;");
        two.Replace("samples/HelloModel/models/hello/config.json", "\"rope_theta\": 10000.0", "\"rope_theta\": 20000.0");
        Finished[] builds = await Task.WhenAll(Task.Run(one.Build), Task.Run(two.Build));
        Assert.All(builds, build => build.Expect(0));

        Assert.All(one.Writers, line => Assert.StartsWith("// Written by ModelCompiler;", line));
        Assert.All(two.Writers, line => Assert.StartsWith("// Written by the second clone;", line));
        Assert.True(one.Writers.Any() && two.Writers.Any());
        string[] texts = [Text(one), Text(two)];
        Assert.NotEqual(texts[0], texts[1]);
        Assert.Contains(texts[0], one.Run(Prompt));
        Assert.Contains(texts[1], two.Run(Prompt));
    }

    /// <summary>What the sample writes at its temperature and seed, written by this build's modelc.</summary>
    private static string Text(SourceClone clone) => Prompt + ChildProcess.Modelc(
        "run", clone.Model, "--prompt", Prompt, "--weights", "bf16", "--temperature", "0.8", "--seed", "1", "--max-tokens", "120").Expect(0).Output.TrimEnd();
}

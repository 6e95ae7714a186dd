namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>A folder of one test; spaces and Chinese characters in its path are part of every test that uses it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder()
    {
        Directory.CreateDirectory(Root);
    }

    public string Root { get; } = Path.Combine(Path.GetTempPath(), $"模型 test {Guid.NewGuid():n}");

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>A model with random weights.</summary>
    public string Synthesise(string name, string like = "llama-head20", ulong seed = 1)
    {
        ChildProcess.Modelc("synth", this[name], "--like", like, "--seed", $"{seed}").Expect(0);
        return this[name];
    }

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllText(this[name], text);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

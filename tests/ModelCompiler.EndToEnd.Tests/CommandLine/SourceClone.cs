using ModelCompiler.Tests;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>Another clone of this repository: the sources that samples/HelloModel is built from, and the sample. Nothing in it is built yet.</summary>
internal sealed class SourceClone
{
    private const string Sample = "samples/HelloModel";
    private const string Solution = "Sample.slnx";

    private readonly string root, output;

    /// <param name="root">Where it is to lie.</param>
    /// <param name="platform">The solution's, and in it the sample's.</param>
    public SourceClone(string root, string platform = "Any CPU")
    {
        this.root = root;
        output = Path.Combine(Sample, "bin", platform == "Any CPU" ? "" : platform, "Release", "net10.0");
        foreach (string part in (string[])["generator", "runtime", Sample])
        {
            Copy(part);
        }

        foreach (string file in Directory.GetFiles(SharedData.RepositoryRoot))
        {
            File.Copy(file, Path.Combine(root, Path.GetFileName(file)));
        }

        File.WriteAllText(Path.Combine(root, Solution), $"""
            <Solution>
              <Configurations><Platform Name="{platform}" /></Configurations>
              <Project Path="{Sample}/HelloModel.csproj"><Platform Project="{platform}" /></Project>
            </Solution>
            """);
    }

    /// <summary>Config, weights and tokenizer of the sample's model.</summary>
    public string Model => Path.Combine(root, Sample, "models", "hello");

    /// <summary>Changes a file, named from the root.</summary>
    public void Replace(string file, string text, string replacement)
    {
        string path = Path.Combine(root, file), old = File.ReadAllText(path);
        Assert.Contains(text, old);
        File.WriteAllText(path, old.Replace(text, replacement));
    }

    /// <summary>
    /// Builds a solution of the sample alone, and with it all that the sample stands on, with the compiler server that builds have on a developer's machine; without the analyzers
    /// of this repository.
    /// </summary>
    public Finished Build() => ChildProcess.Dotnet(
        root, "build", Solution, "--nologo", "-c", "Release", "-p:UseSharedCompilation=true", "-p:EmitCompilerGeneratedFiles=true", "-p:RunAnalyzers=false", "-p:GenerateDocumentationFile=false");

    /// <summary>The third line of each emitted file: what wrote it.</summary>
    public IEnumerable<string> Writers => Directory.GetFiles(Path.Combine(root, Sample, "obj"), "HelloModel.HelloModel.*.g.cs", SearchOption.AllDirectories).SelectMany(file => File.ReadLines(file).Take(3).TakeLast(1));

    /// <summary>What the built sample writes behind a prompt.</summary>
    public string Run(string prompt) => ChildProcess.Dotnet(root, Path.Combine(output, "HelloModel.dll"), prompt).Expect(0).Output;

    private void Copy(string folder)
    {
        string from = Path.Combine(SharedData.RepositoryRoot, folder), to = Path.Combine(root, folder);
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (string inner in Directory.GetDirectories(from).Select(path => Path.GetFileName(path)).Where(name => name is not "bin" and not "obj"))
        {
            Copy(Path.Combine(folder, inner));
        }
    }
}

using ModelCompiler.Tests;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>A user's program with one synthetic model, built with the targets of this repository in a folder outside it.</summary>
internal sealed class TemporaryProject : IDisposable
{
    private readonly TemporaryFolder folder = new();

    /// <summary>Item metadata may use the properties W (format), C (of the cache) and E (embedded).</summary>
    public TemporaryProject(string item = """<CompiledModel Include="models/tiny/" Weights="$(W)" Cache="$(C)" Embed="$(E)" />""")
    {
        string targets = Path.Combine(SharedData.RepositoryRoot, "generator", "ModelCompiler.Generator", "build", "ModelCompiler.InRepo");
        folder.Write("App.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <ModelCompilerPrebuilt>true</ModelCompilerPrebuilt>
                <ModelCompilerConfiguration>{ChildProcess.Configuration}</ModelCompilerConfiguration>
                <NoWarn>$(NoWarn);MC316</NoWarn>
                <W Condition="'$(W)' == ''">f32</W>
                <C Condition="'$(C)' == ''">f32</C>
                <E Condition="'$(E)' == ''">false</E>
              </PropertyGroup>
              <Import Project="{targets}.props" />
              <ItemGroup>
                {item}
              </ItemGroup>
              <Import Project="{targets}.targets" />
            </Project>
            """);
        Edit("first");
    }

    public string Root => folder.Root;

    public string this[string name] => folder[name];

    public void Write(string name, string text) => folder.Write(name, text);

    public void Synthesise() => folder.Synthesise(Path.Combine("models", "tiny"));

    /// <summary>A model of the same shape with other weights, elsewhere; gives its folder.</summary>
    public string SynthesiseOther(ulong seed) => folder.Synthesise("other", seed: seed);

    /// <summary>Line and column, from 1, of a text of the CompiledModel item in the project file.</summary>
    public string PlaceOf(string text)
    {
        string[] lines = File.ReadAllLines(this["App.csproj"]);
        int line = Array.FindIndex(lines, line => line.Contains("<CompiledModel "));
        return $"{line + 1},{lines[line].IndexOf(text, StringComparison.Ordinal) + 1}";
    }

    /// <summary>Only the build's packing.</summary>
    public Finished Pack() => ChildProcess.Dotnet(Root, "msbuild", "-nologo", "-p:Configuration=Release", "-t:ModelCompilerPack").Expect(0);

    /// <summary>Changes code that has nothing to do with the model.</summary>
    public void Edit(string greeting) => folder.Write("Program.cs", $$"""
        using TinyModel model = TinyModel.Load();
        using var session = model.CreateSession();
        Console.WriteLine($"{{greeting}} {model.Description.Format} {session.Forward([1, 2, 3]).Last[5]:R}");
        [CompiledModel("tiny")] internal sealed partial class TinyModel;
        """);

    /// <summary>Changes the model's config: its bits, and so its code.</summary>
    public void ReplaceInConfig(string text, string replacement) => Replace(Path.Combine("models", "tiny", "config.json"), text, replacement);

    /// <summary>Changes the project file.</summary>
    public void ReplaceInProject(string text, string replacement) => Replace("App.csproj", text, replacement);

    public Finished Build(params string[] options) => ChildProcess.Dotnet(Root, ["build", "--nologo", "-c", "Release", .. options]);

    /// <summary>What the built program writes.</summary>
    public string Run() => ChildProcess.Dotnet(Root, Path.Combine("bin", "Release", "net10.0", "App.dll")).Expect(0).Output.Trim();

    public DateTime AssemblyTime => File.GetLastWriteTimeUtc(this[Path.Combine("obj", "Release", "net10.0", "App.dll")]);

    public void Dispose() => folder.Dispose();

    private void Replace(string file, string text, string replacement)
    {
        string old = File.ReadAllText(this[file]);
        Assert.Contains(text, old);
        File.WriteAllText(this[file], old.Replace(text, replacement));
    }
}

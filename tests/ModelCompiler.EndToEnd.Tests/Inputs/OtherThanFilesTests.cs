using System.Diagnostics;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Weights.Safetensors;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Inputs;

/// <summary>Pipes and devices: refused unopened as files of a model; as texts, read as far as there is an end, and no longer than the user waits.</summary>
public sealed class OtherThanFilesTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder temporary = new();

    public OtherThanFilesTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Devices and pipes are told apart on Linux.");

    public void Dispose() => temporary.Dispose();

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("model.safetensors.index.json")]
    [InlineData("tokenizer.json")]
    public async Task AFileOfAModelIsAFile(string name)
    {
        SyntheticModel.Write(temporary.Path, SyntheticConfigs.Small["gpt2-tied"], new(Shards: name.Contains("index", StringComparison.Ordinal) ? 2 : 1));
        foreach ((string kind, Action make) in ((string, Action)[])[("a named pipe", () => Pipe(name)), ("a device", () => File.CreateSymbolicLink(temporary.File(name), "/dev/zero"))])
        {
            File.Delete(temporary.File(name));
            make();
            ModelDiagnostic diagnostic = (await Refused<ModelException>(() =>
            {
                CacheKey.Of(temporary.Path, "f32", ""); // made before the files are looked at
                using ModelFolder folder = ModelFolder.Open(temporary.Path);
                TokenizerSource.Pack(temporary.Path, 0);
            })).Diagnostic;
            Assert.Equal(("MC021", temporary.File(name)), (diagnostic.Rule.Id, diagnostic.Where.File));
            Assert.StartsWith($"file: found {kind}, expected a file", diagnostic.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AFileOfAnAdapterIsAFile()
    {
        string config = Pipe(AdapterFolder.ConfigFile), tensors = Pipe(AdapterFolder.TensorsFile);
        Assert.Contains("found a named pipe", (await Refused<AdapterException>(() => AdapterFolder.ReadSettings(temporary.Path))).Message, StringComparison.Ordinal);
        Assert.Contains("found a named pipe", (await Refused<AdapterException>(() => AdapterFolder.ReadTensors(temporary.Path, []))).Message, StringComparison.Ordinal);
        Assert.Equal($"'{tensors}': found a named pipe, expected a file.", (await Refused<IOException>(() => new SafetensorsReader(tensors).Dispose())).Message);
        Assert.NotNull(OtherPlace.Describe(Path.GetDirectoryName(config)!));
    }

    [Fact]
    public async Task ATextWithoutAnEndIsRefused()
    {
        ModelException fault = await Refused<ModelException>(() => ModelText.ReadNamed("/dev/zero", "Name a text.", CancellationToken.None));
        Assert.EndsWith($"length: found more than {ModelText.LongestBytes} bytes, expected at most {ModelText.LongestBytes}. Name a text.", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APipeThatNobodyWritesIsWaitedForUntilTheUserCancels()
    {
        string pipe = Pipe("pipe");
        using CancellationTokenSource cancelling = new(TimeSpan.FromMilliseconds(100));
        await Refused<OperationCanceledException>(() => ModelText.ReadNamed(pipe, "", cancelling.Token));
        await File.WriteAllTextAsync(pipe, "", TestContext.Current.CancellationToken); // lets the thread go that waits for it
    }

    /// <summary>What a shell's &lt;(command) is: it has no length.</summary>
    [Fact]
    public async Task ATextMayComeThroughAPipe()
    {
        string pipe = Pipe("pipe");
        Task writing = Task.Run(() => File.WriteAllText(pipe, "\uFEFFa text"), TestContext.Current.CancellationToken);
        Assert.Equal("a text", ModelText.ReadNamed(pipe, "", TestContext.Current.CancellationToken).Text);
        await writing;
    }

    private static async Task<T> Refused<T>(Action read)
        where T : Exception
        => await Assert.ThrowsAnyAsync<T>(() => Task.Run(read, TestContext.Current.CancellationToken).WaitAsync(Longest, TestContext.Current.CancellationToken));

    private string Pipe(string name)
    {
        Process.Start("mkfifo", [temporary.File(name)]).WaitForExit();
        return temporary.File(name);
    }
}

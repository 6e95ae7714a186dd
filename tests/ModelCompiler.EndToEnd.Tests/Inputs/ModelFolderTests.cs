using System.Diagnostics;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Inputs;

/// <summary>A folder is opened whole or refused with the file and the reason.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private readonly TemporaryFolder temporary = new();

    public void Dispose() => temporary.Dispose();

    [Fact]
    public void TensorsAreReadWhereTheyLie()
    {
        Write(new());
        using ModelFolder folder = ModelFolder.Open(temporary.Path, "tiny");
        Assert.Equal("tiny", folder.Inputs.Name);
        Assert.Equal([temporary.File("config.json"), temporary.File("model.safetensors")], folder.Files);
        TensorInfo tensor = folder.Inputs.Find("h.1.mlp.c_fc.weight")!;
        Assert.Equal("model.safetensors", tensor.File);

        float[] part = new float[5];
        folder.Read(tensor, 7, part);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(BitConverter.ToSingle(folder.Bytes(tensor)[(4 * (7 + i))..]), part[i]);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => folder.Read(tensor, (48 * 192) - 4, new float[5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => folder.Read(tensor, -1, new float[5]));
    }

    [Fact]
    public void TheOnlySafetensorsFileServes()
    {
        Write(new());
        File.Move(temporary.File("model.safetensors"), temporary.File("weights.safetensors"));
        using ModelFolder folder = ModelFolder.Open(temporary.Path);
        Assert.Equal(temporary.File("weights.safetensors"), folder.Files[1]);
    }

    [Fact]
    public void AFolderThatIsNotThere() => Refused("MC021", temporary.File("nowhere"), "no such folder", temporary.File("nowhere"));

    /// <summary>A file of the model, and files that have nothing to do with one.</summary>
    [Fact]
    public void AFileInPlaceOfTheFolder()
    {
        Write(new());
        string beside = Path.Combine(temporary.Path, "beside");
        Directory.CreateDirectory(beside);
        foreach (string name in new[] { "notes.txt", "model.GGUF" })
        {
            File.WriteAllText(Path.Combine(beside, name), "");
        }

        foreach (string file in new[] { "config.json", "model.safetensors" })
        {
            Refused("MC021", temporary.File(file), $"found a file, expected the folder of a model: config.json and *.safetensors. Give the folder that it lies in: '{temporary.Path}'.", temporary.File(file));
        }

        Refused("MC021", Path.Combine(beside, "notes.txt"), "found a file, expected the folder of a model: config.json and *.safetensors. Give the folder of a model as it was published", Path.Combine(beside, "notes.txt"));
        Refused("MC021", Path.Combine(beside, "model.GGUF"), "found a GGUF file, a format that is not read, expected the folder of a model", Path.Combine(beside, "model.GGUF"));
    }

    [Fact]
    public void NoConfig()
    {
        Write(new());
        File.Delete(temporary.File("config.json"));
        Refused("MC021", temporary.File("config.json"), "no such file");
    }

    [Fact]
    public void AFolderInPlaceOfAFile()
        => Assert.Contains("found a folder, expected a file", Assert.Throws<ModelException>(() => ModelText.Read(temporary.Path, "")).Message, StringComparison.Ordinal);

    [Fact]
    public void NoWeights()
    {
        Write(new());
        File.Delete(temporary.File("model.safetensors"));
        Refused("MC021", temporary.Path, "no *.safetensors");
    }

    [Fact]
    public void WeightsThatCannotBeRead()
    {
        Write(new());
        string weights = temporary.File("model.safetensors");
        if (!OperatingSystem.IsWindows() && !Environment.IsPrivilegedProcess) // whom no permission stops
        {
            File.SetUnixFileMode(weights, UnixFileMode.None);
            Refused("MC021", weights, "found one that you may not read, expected a file that can be read.");
        }

        File.Delete(weights);
        Directory.CreateDirectory(weights);
        Refused("MC021", weights, "found a folder, expected a file that can be read.");
    }

    [Fact]
    public void SeveralFilesAndNoIndex()
    {
        Write(new(Shards: 2));
        File.Delete(temporary.File("model.safetensors.index.json"));
        Refused("MC021", temporary.Path, "2 *.safetensors without an index");
    }

    [Fact]
    public void AShardThatIsNotThere()
    {
        Write(new(Shards: 2));
        File.Delete(temporary.File("model-00002-of-00002.safetensors"));
        Refused("MC021", temporary.File("model-00002-of-00002.safetensors"), "no such file");
    }

    [Fact]
    public void AShardThatLeavesTheFolder()
    {
        Write(new(Shards: 2));
        string index = File.ReadAllText(temporary.File("model.safetensors.index.json"));
        File.WriteAllText(temporary.File("model.safetensors.index.json"), index.Replace("model-00002", "../model-00002"));
        Refused("MC015", temporary.File("model.safetensors.index.json"), "../model-00002");
    }

    [Fact]
    public void ATensorInAnotherShardThanTheIndexSays()
    {
        Write(new(Shards: 2));
        string index = File.ReadAllText(temporary.File("model.safetensors.index.json"));
        File.WriteAllText(
            temporary.File("model.safetensors.index.json"),
            index.Replace("\"ln_f.bias\":\"model-00002", "\"ln_f.bias\":\"model-00001", StringComparison.Ordinal));
        Refused("MC016", temporary.File("model.safetensors.index.json"), "ln_f.bias");
    }

    [Theory]
    [InlineData(0, "found 0 bytes")]
    [InlineData(7, "found 7 bytes")]
    [InlineData(9, "found 9 bytes")]
    [InlineData(500, "at most the 492")]
    public void ATruncatedFile(int length, string found)
    {
        Write(new());
        using (FileStream stream = File.OpenWrite(temporary.File("model.safetensors")))
        {
            stream.SetLength(length);
        }

        Refused("MC011", temporary.File("model.safetensors"), found);
    }

    [Fact]
    public void ATruncatedTensor()
    {
        Write(new());
        using (FileStream stream = File.OpenWrite(temporary.File("model.safetensors")))
        {
            stream.SetLength(stream.Length - 1);
        }

        Refused("MC013", temporary.File("model.safetensors"), "bytes");
    }

    [Fact]
    public void AHeaderThatIsNotUtf8()
    {
        Write(new());
        using (FileStream stream = File.OpenWrite(temporary.File("model.safetensors")))
        {
            stream.Position = 12;
            stream.WriteByte(0xFF);
        }

        Refused("MC001", temporary.File("model.safetensors"), "not UTF-8");
    }

    [Fact]
    public void AFileThatChangesWhileItIsOpen()
    {
        Write(new());
        using ModelFolder folder = ModelFolder.Open(temporary.Path);
        folder.ThrowIfChanged();
        File.SetLastWriteTimeUtc(temporary.File("model.safetensors"), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Equal("MC021", Assert.Throws<ModelException>(folder.ThrowIfChanged).Diagnostic.Rule.Id);
    }

    /// <summary>As in the cache of a model hub. The link has a length and a time of its own, which are not the weights'.</summary>
    [Fact]
    public void WeightsBehindASymbolicLink()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        Write(new());
        string weights = temporary.File("blob");
        File.Move(temporary.File("model.safetensors"), weights);
        File.CreateSymbolicLink(temporary.File("model.safetensors"), weights);
        using ModelFolder folder = ModelFolder.Open(temporary.Path);
        folder.ThrowIfChanged();
        string key = CacheKey.Of(temporary.Path, "f32", "");
        Assert.Equal(key, CacheKey.Of(temporary.Path, "f32", ""));
        File.SetLastWriteTimeUtc(weights, new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Throws<ModelException>(folder.ThrowIfChanged);
        Assert.NotEqual(key, CacheKey.Of(temporary.Path, "f32", ""));
        File.Delete(weights);
        Assert.Throws<ModelException>(folder.ThrowIfChanged);
    }

    private void Write(SyntheticModelOptions options) => SyntheticModel.Write(temporary.Path, SyntheticConfigs.Small["gpt2-tied"], options);

    private void Refused(string id, string file, string found, string? folder = null)
    {
        ModelDiagnostic diagnostic = Assert.Throws<ModelException>(() => ModelFolder.Open(folder ?? temporary.Path)).Diagnostic;
        Assert.Equal(id, diagnostic.Rule.Id);
        Assert.Equal(file, diagnostic.Where.File);
        Assert.Contains(found, diagnostic.Message, StringComparison.Ordinal);
    }
}

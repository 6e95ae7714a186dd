using System.Text.Json;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.EndToEnd.Tests.CommandLine;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Onnx;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Verifying;

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>modelc export and modelc verify, and a build that verifies.</summary>
public class VerifyTests(ConformanceModels models, ExportedModels exported) : IDisposable
{
    private readonly CommandLine.TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("f32", "f32")]
    [InlineData("q4", "f32")]
    [InlineData("bf16", "q8")]
    public void TheEnginesAgree(string weights, string cache)
    {
        string model = folder.Synthesise("tiny");
        using JsonDocument document = JsonDocument.Parse(
            ChildProcess.Modelc("verify", model, "--weights", weights, "--cache", cache, "--max-tokens", "5", "--json").Expect(0).Output);
        JsonElement found = document.RootElement;
        Assert.True(found.GetProperty("agrees").GetBoolean());
        Assert.Equal(-1, found.GetProperty("firstLayerApart").GetInt32());
        Assert.Equal(5, found.GetProperty("greedy").GetProperty("onnx").GetArrayLength());
        JsonElement roundings = found.GetProperty("roundings");
        Assert.Equal(weights != "f32", roundings.ValueKind == JsonValueKind.Object);
        JsonElement exact = weights == "f32" ? found.GetProperty("logits") : roundings.GetProperty("onnx");
        Assert.InRange(exact.GetProperty("relative").GetDouble(), 1e-9, 4e-5);
    }

    /// <summary>Other weights in one tensor stand for a fault of the emitted code: told, with the layer that it is in.</summary>
    [Theory]
    [InlineData("model.layers.1.self_attn.k_proj.weight", 1)]
    [InlineData("model.layers.0.mlp.down_proj.weight", 1)]
    [InlineData("model.layers.0.input_layernorm.weight", 0)]
    [InlineData("model.layers.1.mlp.up_proj.weight", -1)]
    public void AFaultIsFoundAndPlaced(string tensor, int layer)
    {
        EmittedModel right = models.Get("llama-untied", "f32");
        EmittedModel wrong = new(WithChanged(right.Folder, tensor, value => value * 1.01f), "wrong", "f32", folder.Root);
        using OnnxModel witness = OnnxModel.Open(new OnnxOffload(exported.Get(right).ModelPath) { Work = OffloadedWork.Prompts });
        using PlannedModel planned = PlannedModel.Open(right.Folder, null, new PlanOptions());
        using CompiledModel emitted = wrong.Load(Engines.Best), good = right.Load(Engines.Best);
        VerificationWork work = new(2, 30, Seed: 1, GreedyTokens: 3);
        Assert.True(Verifier.Run(planned, good, witness, work, CancellationToken.None).Agrees);
        Verification found = Verifier.Run(planned, emitted, witness, work, CancellationToken.None);
        Assert.False(found.Agrees);
        Assert.Equal(layer, found.FirstLayerApart);
    }

    [Fact]
    public void AnExportIsOneFileOrTwo()
    {
        string model = folder.Synthesise("tiny");
        string path = folder["tiny.onnx"];
        Assert.Contains($"Wrote {path} (q8, ", ChildProcess.Modelc("export", model, "-o", path, "--weights", "q8").Expect(0).Output);
        Assert.False(File.Exists(path + ".data"));
        Assert.Equal([path], Directory.GetFiles(folder.Root, "tiny.onnx*"));
        Assert.Contains("MC321", ChildProcess.Modelc("export", model, "-o", folder[Path.Combine("none", "tiny.onnx")]).Expect(1).Error);

        // The model's own files are not written over: they would be gone before they were read.
        string weights = Path.Combine(model, "model.safetensors");
        byte[] before = File.ReadAllBytes(weights);
        Assert.Contains("a file of the model itself", ChildProcess.Modelc("export", model, "-o", weights).Expect(2).Error);
        Assert.Contains("found the folder", ChildProcess.Modelc("export", model, "-o", model).Expect(2).Error);
        Assert.Equal(before, File.ReadAllBytes(weights));

        EmittedModel emitted = models.Get("mistral-window8", "f32");
        ModelCompiler.Onnx.Export.OnnxFiles files = exported.Get(emitted, new(InlineBytes: 0));
        Assert.True(new FileInfo(files.DataPath!).Length > new FileInfo(files.ModelPath).Length);
        Assert.Equal(exported.Logits(emitted, emitted.Tokens(9)), exported.Logits(emitted, emitted.Tokens(9), new(InlineBytes: 0)));
    }

    [Fact]
    public void ABuildVerifiesOnRequestAndOnce()
    {
        const string Verifying = "Verifying model 'tiny'";
        using TemporaryProject project = new("""<CompiledModel Include="models/tiny/" Verify="$(V)" />""");
        project.Synthesise();
        Assert.DoesNotContain(Verifying, project.Build().Expect(0).Output);
        Assert.Contains(Verifying, project.Build("-p:V=true").Expect(0).Output);
        project.Edit("second");
        Assert.DoesNotContain(Verifying, project.Build("-p:V=true").Expect(0).Output);
        Assert.Contains("MC315", project.Build("-p:V=perhaps").Output);

        // Embeddings far from zero and near to one another: what LayerNorm leaves of them is mostly rounding, and two engines round differently.
        string wild = WithChanged(folder.Synthesise("gpt2", "gpt2-tied"), "wte.weight", value => 1000 + value);
        foreach (string file in Directory.GetFiles(wild))
        {
            File.Copy(file, Path.Combine(project.Root, "models", "tiny", Path.GetFileName(file)), overwrite: true);
        }

        Finished failed = project.Build("-p:V=true");
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains("error MC340: ", failed.Output);
        Assert.Contains("error MC340: ", project.Build("-p:V=true").Output);
    }

    /// <summary>A copy of a model with one tensor's numbers changed.</summary>
    private string WithChanged(string source, string tensor, Func<float, float> change)
    {
        string copy = Directory.CreateDirectory(folder[Guid.NewGuid().ToString("n")]).FullName;
        foreach (string file in Directory.GetFiles(source))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        TensorInfo info;
        using (ModelFolder opened = ModelFolder.Open(source))
        {
            info = opened.Inputs.Tensors.Single(candidate => candidate.Name.EndsWith(tensor, StringComparison.Ordinal));
        }

        string weights = Path.Combine(copy, info.File);
        byte[] bytes = File.ReadAllBytes(weights);
        Span<float> numbers = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes.AsSpan((int)info.OffsetBytes, (int)info.LengthBytes));
        foreach (ref float number in numbers)
        {
            number = change(number);
        }

        File.WriteAllBytes(weights, bytes);
        return copy;
    }
}

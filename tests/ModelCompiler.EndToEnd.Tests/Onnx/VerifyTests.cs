using System.Text.Json;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Graph;
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
public class VerifyTests(ConformanceModels models, ExportedModels exported, ITestOutputHelper output) : IDisposable
{
    private static readonly string Hello = Path.Combine(ModelCompiler.Tests.SharedData.RepositoryRoot, "samples", "HelloModel", "models", "hello");

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
        VerificationWork work = new(2, 30, Seed: 1, GreedyTokens: 3);
        Assert.True(Run(right, right, work).Agrees);
        Verification found = Run(right, wrong, work);
        Assert.False(found.Agrees);
        Assert.Equal(layer, found.FirstLayerApart);
    }

    /// <summary>
    /// The same where inputs, keys and values are rounded, and the fault is one scale of one group of 32 weights, 1 per cent off, or one weight. However few tokens there are, sound code agrees.
    /// </summary>
    [Theory]
    [InlineData("q8", "model.layers.1.self_attn.k_proj.weight", 32, 1)]
    [InlineData("q4", "model.layers.1.self_attn.v_proj.weight", 32, 1)]
    [InlineData("q8", "model.layers.0.mlp.down_proj.weight", 32, 1)]
    [InlineData("q4", "model.layers.0.self_attn.o_proj.weight", 32, 1)]
    [InlineData("q8", "model.layers.1.mlp.up_proj.weight", 1, -1)]
    [InlineData("q4", "lm_head.weight", 1, -1)]
    [InlineData("q8+q8", "model.layers.1.mlp.gate_proj.weight", 32, -1)]
    [InlineData("f32+bf16", "model.layers.1.self_attn.v_proj.weight", 32, 1)]
    public void AFaultIsFoundThroughRounding(string format, string tensor, int weights, int layer)
    {
        EmittedModel right = models.Get("llama-untied", format, ModelFeatures.Trace);
        EmittedModel wrong = new(WithChanged(right.Folder, tensor, (value, index) => index < weights ? value * (weights == 1 ? 1.5f : 1.01f) : value), "wrong", format, folder.Root, ModelFeatures.Trace);
        foreach (VerificationWork work in (VerificationWork[])[new(4, 2, Seed: 1, GreedyTokens: 0), new(1, 40, Seed: 2, GreedyTokens: 0)])
        {
            Verification sound = Run(right, right, work);
            Assert.True(sound.Agrees, string.Join("; ", sound.Faults));
            Verification found = Run(right, wrong, work);
            Assert.False(found.Agrees);
            Assert.Equal(layer, found.FirstLayerApart);
        }
    }

    /// <summary>Faults so small that they only show in which way numbers are rounded, beside a channel that is a hundred times the others, too.</summary>
    [Theory]
    [InlineData("model.layers.1.self_attn.k_proj.weight", 1.001f, 100f)]
    [InlineData("model.layers.1.self_attn.v_proj.weight", 1.0001f, 0f)]
    public void AFaultIsFoundInACacheThatRounds(string tensor, float factor, float outlier)
    {
        EmittedModel published = models.Get("qwen2-biased", "f32+bf16", ModelFeatures.Trace);
        int headDim = published.Plan.Graph.Operations.OfType<Attention>().First().HeadDim;
        string folderOfRight = ChangedModel.Write(published.Folder, folder["right"], (value, index) => outlier > 0 && index % headDim == 0 ? outlier : value, "model.layers.1.self_attn.k_proj.bias");
        EmittedModel right = new(folderOfRight, $"right{outlier}", "f32+bf16", folder.Root, ModelFeatures.Trace);
        EmittedModel wrong = new(WithChanged(folderOfRight, tensor, value => value * factor), $"wrong{outlier}", "f32+bf16", folder.Root, ModelFeatures.Trace);
        VerificationWork work = new(2, 40, Seed: 1, GreedyTokens: 0);
        Verification sound = Run(right, right, work);
        Assert.True(sound.Agrees, string.Join("; ", sound.Faults));
        Verification found = Run(right, wrong, work);
        Assert.False(found.Agrees);
        Assert.NotEqual(0, found.Roundings!.Counts.Wrong);
    }

    /// <summary>Numbers in the middle between two steps, of which each of these models has some, decide nothing.</summary>
    [Theory]
    [InlineData("q8")]
    [InlineData("q4")]
    public void FewTokensAgreeWhateverTheSeed(string format)
    {
        EmittedModel hello = models.Open(Hello, format), traced = models.Open(Hello, format, ModelFeatures.Trace);
        long followed = 0;
        for (ulong seed = 1; seed <= 8; seed++)
        {
            Verification found = Run(traced, hello, new(1, 2, seed, GreedyTokens: 0));
            Assert.True(found.Agrees, string.Join("; ", found.Faults));
            Assert.InRange(found.Roundings!.Emitted.Relative, 0, 1e-6);
            Assert.Equal(0, found.Roundings.Counts.Wrong);
            Assert.InRange(found.Roundings.Counts.Farthest, 0, 1e-5);
            followed += found.Roundings.Counts.Followed;
        }

        Assert.InRange(followed, 1, 100);
    }

    /// <summary>Every family, as close as in float formats: nothing but the middle between two steps is left to rounding.</summary>
    [Theory]
    [InlineData("llama-head20", "q8")]
    [InlineData("mistral-window8", "q4")]
    [InlineData("qwen2-biased", "q4+bf16")]
    [InlineData("qwen3-head24", "q8")]
    [InlineData("gpt2-untied", "q8")]
    [InlineData("gpt2-untied", "q4")]
    [InlineData("window70", "f32+q8")]
    [InlineData("head80-group7", "q4+q8")]
    [InlineData("llama-untied", "q4, *.q_proj.*=q8, *.k_proj.*=f32, *.down_proj.*=f16, lm_head.*=bf16")]
    public void RoundingIsToldFromFaultsInEveryFamily(string model, string format)
    {
        EmittedModel traced = models.Get(model, format, ModelFeatures.Trace);
        Verification found = Run(traced, traced, new(2, 40, Seed: 3, GreedyTokens: 0));
        output.WriteLine(found.Roundings!.ToString());
        Assert.True(found.Agrees, string.Join("; ", found.Faults));
        Assert.Equal(0, found.Roundings.Counts.Wrong);
        Assert.NotEqual(0, found.Roundings.Counts.Rounded);
        Assert.Equal(traced.Plan.Graph.Dimensions.Layers, found.Roundings.OnnxLayers.Length);
        Assert.All(found.Roundings.OnnxLayers, layer => Assert.InRange(layer.Relative, 0, Verifier.ReferenceTolerance));
    }

    /// <summary>What shows how the code rounded must be the code; and ONNX Runtime's own layers are judged too.</summary>
    [Fact]
    public void AnotherWitnessIsFound()
    {
        EmittedModel right = models.Get("llama-untied", "q8", ModelFeatures.Trace);
        EmittedModel wrong = new(WithChanged(right.Folder, "model.layers.1.self_attn.k_proj.weight", value => value * 1.01f), "wrong", "q8", folder.Root, ModelFeatures.Trace);
        VerificationWork work = new(1, 20, Seed: 1, GreedyTokens: 0);
        Assert.Contains(Run(right, right, work, tapped: wrong).Faults, fault => fault.Contains("different bits"));
        Verification export = Run(right, right, work, onnx: wrong);
        Assert.Contains(export.Faults, fault => fault.StartsWith("keys and values of ONNX Runtime from layer 1 on", StringComparison.Ordinal));
        Assert.Equal(-1, export.FirstLayerApart);
    }

    /// <summary>Weights so large that logits overflow: a report, with what is wrong, and no text.</summary>
    [Theory]
    [InlineData("f32")]
    [InlineData("q8")]
    public void NumbersThatAreNotFiniteAreReported(string format)
    {
        string model = WithChanged(folder.Synthesise("tiny", "llama-untied"), "lm_head.weight", value => value > 0 ? 3e38f : -3e38f);
        Finished found = ChildProcess.Modelc("verify", model, "--weights", format, "--length", "8", "--json").Expect(1);
        Assert.Contains("error MC340: ", found.Error);
        Assert.Contains("numbers that are not finite", found.Error);
        using JsonDocument document = JsonDocument.Parse(found.Output);
        Assert.False(document.RootElement.GetProperty("agrees").GetBoolean());
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("logits").GetProperty("relative").ValueKind);
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("greedy").ValueKind);
    }

    [Fact]
    public void AnExportIsOneFileOrTwo()
    {
        string model = folder.Synthesise("tiny");
        string path = folder["tiny.onnx"];
        Assert.Contains($"Wrote {path} (q8, ", ChildProcess.Modelc("export", model, "-o", path, "--weights", "q8").Expect(0).Output);
        Assert.Equal([path], Directory.GetFiles(folder.Root, "tiny.onnx*"));
        Assert.Contains("Make it first", ChildProcess.Modelc("export", model, "-o", folder[Path.Combine("none", "tiny.onnx")]).Expect(2).Error);

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

    /// <summary>An export over another: whichever of the two graphs lies there, at any moment in between, finds its own weights; in the end there is one pair.</summary>
    [Fact]
    public void AnExportNeverStandsBesideAnothersWeights()
    {
        EmittedModel first = models.Get("llama-untied", "f32");
        EmittedModel second = new(WithChanged(first.Folder, "lm_head.weight", value => -value), "second", "f32", folder.Root);
        string path = folder["model.onnx"];
        ModelCompiler.Onnx.Export.OnnxFiles before = Export(first, inlineBytes: 0);
        byte[] graph = File.ReadAllBytes(path), data = File.ReadAllBytes(before.DataPath!);
        float[] expected = Logits(first);
        Assert.Equal(before, Export(first, inlineBytes: 0) with { Dequantised = before.Dequantised });
        Assert.Equal(graph, File.ReadAllBytes(path));
        ModelCompiler.Onnx.Export.OnnxFiles after = Export(second, inlineBytes: 0);
        Assert.Equal([path, after.DataPath], Directory.GetFiles(folder.Root, "model.onnx*").Order(StringComparer.Ordinal));
        Assert.Equal(Array.ConvertAll(expected, logit => -logit), Logits(second));

        // As stopped before the new graph was in its place: both files of data, and the old graph.
        File.WriteAllBytes(path, graph);
        File.WriteAllBytes(before.DataPath!, data);
        Assert.Equal(expected, Logits(first));
        Assert.Equal(path, Export(second, inlineBytes: long.MaxValue).ModelPath);
        Assert.False(File.Exists(before.DataPath));

        // A link to it stays one, and the data lie beside the graph.
        Directory.CreateDirectory(folder["links"]);
        File.CreateSymbolicLink(folder["links/link.onnx"], path);
        Assert.Equal(before.DataPath, Export(first, inlineBytes: 0, folder["links/link.onnx"]).DataPath);
        Assert.Equal(expected, Logits(first));
        Assert.Equal(path, new FileInfo(folder["links/link.onnx"]).LinkTarget);

        ModelCompiler.Onnx.Export.OnnxFiles Export(EmittedModel model, long inlineBytes, string? link = null)
        {
            using ModelFolder published = ModelFolder.Open(model.Folder);
            return ModelCompiler.Onnx.Export.OnnxExporter.Write(model.Plan, new ModelCompiler.Compiler.Packing.PublishedParameters(published), link ?? path, new(InlineBytes: inlineBytes));
        }

        float[] Logits(EmittedModel model)
        {
            using OnnxModel opened = OnnxModel.Open(new OnnxOffload(path));
            using IOffloadedSequence sequence = opened.Begin();
            float[] logits = new float[3 * model.Vocab];
            sequence.Read([5, 7, 9], logits, model.Vocab, CancellationToken.None);
            return logits;
        }
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

    /// <summary>Verifies <paramref name="emitted"/> as the model that <paramref name="right"/> is.</summary>
    private Verification Run(EmittedModel right, EmittedModel emitted, VerificationWork work, EmittedModel? tapped = null, EmittedModel? onnx = null)
    {
        using OnnxModel witness = OnnxModel.Open(new OnnxOffload(exported.Get(onnx ?? right).ModelPath)
        {
            Work = OffloadedWork.Prompts, SessionEntries = new Dictionary<string, string> { [OnnxOffload.AccuracyOfBlockProducts] = "1" },
        });
        using PlannedModel planned = PlannedModel.Open(right.Folder, null, new PlanOptions(right.Plan.Format, right.Plan.Cache.Format, ModelFeatures.Trace));
        using CompiledModel model = emitted.Load(Engines.Best);
        EmittedModel taps = tapped ?? (emitted.Plan.Trace is null ? right : emitted);
        return Verifier.Run(planned, model, () => taps.Load(Engines.Best), witness, work, CancellationToken.None);
    }

    /// <summary>The check runs here, whatever system the program is built for: with this system's library of the package, not the one beside modelc.</summary>
    [Fact]
    public void ABuildForAnotherSystemVerifiesWithThisOnes()
    {
        using TemporaryProject project = new($"""<CompiledModel Include="models/tiny/" Verify="true" /><PackageReference Include="Microsoft.ML.OnnxRuntime" Version="{OnnxLibrary.ManagedVersion}" />""");
        project.Synthesise();
        foreach (string system in (string[])["linux-arm64", "linux-x64"])
        {
            string output = project.Build("-r", system, "-p:UseAppHost=false", "-p:SelfContained=false", "-v:n").Expect(0).Output;
            string library = System.Text.RegularExpressions.Regex.Match(output, "modelc.dll\" verify .* --library \"(.*?)\"").Groups[1].Value;
            Assert.True(File.Exists(library), library);
            Assert.Contains($"{Path.DirectorySeparatorChar}{RuntimeOfThisSystem}{Path.DirectorySeparatorChar}", library);
        }
    }

    /// <summary>As the packages bring it, without a native library.</summary>
    [Fact]
    public void AToolWithoutALibraryAsksForOne()
    {
        string tool = Directory.CreateDirectory(folder["tool"]).FullName;
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(ChildProcess.BuiltTool)!).Where(file => !Path.GetFileName(file).Contains("onnxruntime.", StringComparison.Ordinal) || file.EndsWith(".OnnxRuntime.dll", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(tool, Path.GetFileName(file)));
        }

        string error = ChildProcess.Dotnet(folder.Root, Path.Combine(tool, "modelc.dll"), "verify", folder.Synthesise("模型")).Expect(1).Error;
        Assert.Contains("error MC341: ONNX Runtime's native library: found none that loads", error);
        Assert.Contains("--library", error);
    }

    private static string RuntimeOfThisSystem
        => $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    private string WithChanged(string source, string tensor, Func<float, float> change) => WithChanged(source, tensor, (value, _) => change(value));

    private string WithChanged(string source, string tensor, Func<float, int, float> change) => ChangedModel.Write(source, folder[Guid.NewGuid().ToString("n")], change, tensor);
}

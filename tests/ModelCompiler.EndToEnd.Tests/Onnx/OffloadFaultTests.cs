using Google.Protobuf;
using ModelCompiler.EndToEnd.Tests.CommandLine;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Onnx;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Runtime.Sessions;
using Onnx;

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>What can go wrong on another processor: typed, in one sentence, nothing lost, and the emitted code still there.</summary>
public class OffloadFaultTests(ConformanceModels models, ExportedModels exported) : IDisposable
{
    private readonly CommandLine.TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private EmittedModel Emitted => models.Get("gpt2-tied", "f32");

    private string File => exported.Get(Emitted).ModelPath;

    [Fact]
    public void AFileThatIsNoModelIsRefused()
    {
        folder.Write("no.onnx", "no model");
        Assert.Contains("refuses the file", Refused<OnnxModelException>(new OnnxOffload(folder["no.onnx"])).Message);
        Assert.Contains("found no such file", Refused<OnnxModelException>(new OnnxOffload(folder["absent.onnx"])).Message);
    }

    /// <summary>The graph's file, or that of the weights beside it, ends early, or the latter is not there.</summary>
    [Fact]
    public void AFileThatIsCutOffIsRefused()
    {
        byte[] graph = System.IO.File.ReadAllBytes(File);
        System.IO.File.WriteAllBytes(folder["cut.onnx"], graph[..(graph.Length / 2)]);
        Refused<OnnxModelException>(new OnnxOffload(folder["cut.onnx"]));

        ModelCompiler.Onnx.Export.OnnxFiles files = exported.Get(Emitted, new(InlineBytes: 0));
        string copy = folder["copy.onnx"], data = Path.Combine(folder.Root, Path.GetFileName(files.DataPath!));
        System.IO.File.Copy(files.ModelPath, copy);
        Assert.Contains(Path.GetFileName(data), Refused<OnnxModelException>(new OnnxOffload(copy)).Message);
        System.IO.File.WriteAllBytes(data, System.IO.File.ReadAllBytes(files.DataPath!)[..5000]);
        Assert.Contains("refuses the file", Refused<OnnxModelException>(new OnnxOffload(copy)).Message);
    }

    [Fact]
    public void OptionsOutOfRangeAreNamed()
    {
        OnnxOffload right = new(File);
        Assert.Contains("PromptChunk: found 0, expected at least 1", Wrong(right with { PromptChunk = 0 }));
        Assert.Contains("Threads: found -1, expected at least 1", Wrong(right with { Threads = -1 }));
        Assert.Contains("CacheLimitBytes: found 0, expected at least 1", Wrong(right with { CacheLimitBytes = 0 }));
        Assert.Contains("DeviceId: found 1, expected 0: provider 'cpu' takes no number of a device", Wrong(right with { DeviceId = 1 }));
        Assert.Contains("found arena, expected none: provider 'cpu' takes no options", Wrong(right with { ProviderOptions = new Dictionary<string, string> { ["arena"] = "1" } }));
        Assert.Contains("found device_id, expected none: DeviceId says which", Wrong(right with { Provider = "cuda", ProviderOptions = new Dictionary<string, string> { ["device_id"] = "1" } }));

        string Wrong(OnnxOffload offload) => Assert.ThrowsAny<ArgumentException>(() => Emitted.Load(Engines.Best, offload: offload)).Message;
    }

    /// <summary>What CUDA says, as ONNX Runtime passes it on: no machine here says it itself.</summary>
    [Theory]
    [InlineData("CUDA failure 100: no CUDA-capable device is detected ; GPU=0", typeof(OnnxProviderException))]
    [InlineData("CUDA failure 2: out of memory ; GPU=0", typeof(OnnxMemoryException))]
    [InlineData("Load model from bloom.onnx failed: Protobuf parsing failed.", typeof(OnnxModelException))]
    public void FaultsOfOpeningAreToldApart(string message, Type expected)
        => Assert.IsType(expected, OnnxFaults.Opening(new InvalidOperationException(message), new OnnxOffload(File) { Provider = "cuda" }));

    /// <summary>Where in ONNX Runtime's source it was said, and what CUDA adds, is left out; what was said is kept.</summary>
    [Theory]
    [InlineData(
        "[ErrorCode:Fail] /onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:2043 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : "
        + "Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file\n",
        "Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file")]
    [InlineData(
        "[ErrorCode:Fail] Exception during initialization: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) "
        + "Available memory of 0 is smaller than requested bytes of 1966080\n",
        "Exception during initialization: Available memory of 0 is smaller than requested bytes of 1966080")]
    [InlineData(
        "[ErrorCode:Fail] /onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const onnxruntime::webgpu::WebGpuContextConfig&)::<lambda()> "
        + "adapter_ != nullptr was false. Failed to get a WebGPU adapter.",
        "adapter_ != nullptr was false. Failed to get a WebGPU adapter")]
    [InlineData("CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=here ; line=70", "CUDA failure 100: no CUDA-capable device is detected")]
    [InlineData(
        "[ErrorCode:RuntimeException] Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:121 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall("
        + "ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] "
        + "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:114 std::conditional_t<THRW, void, onnxruntime::common::Status> onnxruntime::CudaCall("
        + "ERRTYPE, const char*, const char*, SUCCTYPE, const char*, const char*, int) [with ERRTYPE = cudaError; bool THRW = true; SUCCTYPE = cudaError; std::conditional_t<THRW, void, common::Status> = void] "
        + "CUDA failure 100: no CUDA-capable device is detected ; GPU=32767 ; hostname=here",
        "Exception during initialization: CUDA failure 100: no CUDA-capable device is detected")]
    [InlineData(
        @"[ErrorCode:Fail] D:\a\_work\1\s\onnxruntime\core\providers\cuda\cuda_call.cc:121 onnxruntime::CudaCall CUDA failure 35: CUDA driver version is insufficient ; GPU=0",
        "CUDA failure 35: CUDA driver version is insufficient")]
    [InlineData(
        "[ErrorCode:Fail] [ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:151 Parse Failed to parse provider option \"device_id\": cuda_execution_provider_info.cc:71 operator() Invalid device ID: 7, must be between 0 (inclusive) and 1 (exclusive)",
        "Failed to parse provider option \"device_id\": Invalid device ID: 7, must be between 0 (inclusive) and 1 (exclusive)")]
    [InlineData("bfc_arena.cc:360 Available memory of 0", "bfc_arena.cc:360 Available memory of 0")]
    [InlineData("/x/y.cc:12 no function here, and the reason (the disk) is full", "no function here, and the reason (the disk) is full")]
    [InlineData("[ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:152 Parse Failed to parse provider option 'a'", "Failed to parse provider option 'a'")]
    [InlineData("model.onnx: Protobuf parsing failed (line 3).", "model.onnx: Protobuf parsing failed (line 3)")]
    public void WhatIsQuotedIsWhatWasSaid(string message, string quoted) => Assert.Equal(quoted, OnnxFaults.Quote(new InvalidOperationException(message)));

    /// <summary>On a device that would end the process, were its memory freed behind its allocator; the CPU's is more patient.</summary>
    [Fact]
    public void AModelMayGoBeforeItsSessions()
    {
        CompiledModel model = Emitted.Load(Engines.Best, offload: new OnnxOffload(File));
        Session session = model.CreateSession();
        session.Forward(Emitted.Tokens(5));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => session.Forward(Emitted.Tokens(1)));
        session.Dispose();
    }

    [Fact]
    public void AGraphThatIsWrongIsRefused()
        => Assert.Contains("Nonsense", Refused<OnnxModelException>(new OnnxOffload(Changed(model => model.Graph.Node[3].OpType = "Nonsense"))).Message);

    [Fact]
    public void AnotherModelIsRefused()
        => Assert.Contains("found family llama, expected gpt2", Refused<OnnxModelException>(new OnnxOffload(exported.Get(models.Get("llama-head20", "f32")).ModelPath)).Message);

    [Fact]
    public void AProviderThatIsNotThereIsNamed()
    {
        OnnxOffload cuda = new(File) { Provider = "cuda" };
        Assert.Contains("found a native library with cpu, expected one with CUDAExecutionProvider", Refused<OnnxProviderException>(cuda).Message);
        Assert.Throws<ArgumentException>(() => Emitted.Load(Engines.Best, offload: cuda with { Provider = "cudda" }));

        // The emitted code goes on only where the user asked for it: with its own bits.
        using CompiledModel model = Emitted.Load(Engines.Best, offload: cuda with { FallBackToCpu = true });
        Assert.False(model.IsOffloaded);
        Assert.IsType<OnnxProviderException>(model.OffloadFault);
        int[] tokens = Emitted.Tokens(20);
        using Session session = model.CreateSession();
        Bits.AssertEqual(Emitted.Logits(tokens, Engines.Best), session.Forward(tokens, LogitsFor.All).ToArray(), "on the CPU");
    }

    /// <summary>A table of learned positions that ends at 20: the run that goes beyond fails in the middle of the graph.</summary>
    [Fact]
    public void ARunThatFailsLeavesTheSessionWhereItStood()
    {
        OnnxOffload offload = new(Changed(CutPositions)) { PromptChunk = 8 };
        int[] tokens = Emitted.Tokens(40);
        float[] expected = Emitted.Logits(tokens, Engines.Best);
        using (CompiledModel model = Emitted.Load(Engines.Best, offload: offload))
        {
            using Session session = model.CreateSession();
            session.Forward(tokens.AsSpan(0, 10));
            Assert.Throws<OnnxRunException>(() => session.Forward(tokens.AsSpan(10, 20)));
            Assert.Equal(10, session.Position);
            Near(expected.AsSpan(14 * Emitted.Vocab, Emitted.Vocab), session.Forward(tokens.AsSpan(10, 5)).Last);
        }

        using CompiledModel falling = Emitted.Load(Engines.Best, offload: offload with { FallBackToCpu = true });
        using Session kept = falling.CreateSession();
        kept.Forward(tokens.AsSpan(0, 10));
        Bits.AssertEqual(expected.AsSpan(10 * Emitted.Vocab, 20 * Emitted.Vocab), kept.Forward(tokens.AsSpan(10, 20), LogitsFor.All).ToArray(), "taken over");
        Bits.AssertEqual(expected.AsSpan(30 * Emitted.Vocab, Emitted.Vocab), kept.Forward(tokens.AsSpan(30, 1)).ToArray(), "and on");
        Assert.IsType<OnnxRunException>(falling.OffloadFault);
    }

    [Fact]
    public void ACacheThatDoesNotFitIsTold()
    {
        int[] tokens = Emitted.Tokens(60);
        using CompiledModel model = LoadForPositions(50);
        using Session session = model.CreateSession();
        session.Forward(tokens.AsSpan(0, 20));
        Assert.Contains("CacheLimitBytes", Assert.Throws<OnnxMemoryException>(() => session.Forward(tokens.AsSpan(20, 40))).Message);
        Assert.Equal(20, session.Position);
        Near(Emitted.Logits(tokens.AsSpan(0, 22), Engines.Best).AsSpan(21 * Emitted.Vocab), session.Forward(tokens.AsSpan(20, 2)).Last);
    }

    /// <summary>The first was read by ONNX Runtime when the second failed: what it is given next must not stand behind tokens that were taken back.</summary>
    [Fact]
    public void OfABatchThatFailsNoSessionHasReadAnything()
    {
        int[] tokens = Emitted.Tokens(60);
        using CompiledModel model = LoadForPositions(50);
        using Session first = model.CreateSession();
        using Session second = model.CreateSession();
        first.Forward(tokens.AsSpan(0, 5));
        Assert.Throws<OnnxMemoryException>(() => model.Forward([new(first, tokens.AsMemory(30, 4), LogitsFor.Last), new(second, tokens, LogitsFor.Last)]));
        Assert.Equal(5, first.Position);
        Near(Emitted.Logits(tokens.AsSpan(0, 11), Engines.Best).AsSpan(10 * Emitted.Vocab), first.Forward(tokens.AsSpan(5, 6)).Last);
    }

    [Fact]
    public void ACancelledCallLeavesTheSessionWhereItStood()
    {
        using CompiledModel model = Emitted.Load(Engines.Best, offload: new OnnxOffload(File));
        using Session session = model.CreateSession();
        session.Forward(Emitted.Tokens(5));
        Assert.ThrowsAny<OperationCanceledException>(() => session.Forward(Emitted.Tokens(9), LogitsFor.Last, new CancellationToken(canceled: true)));
        Assert.Equal(5, session.Position);
    }

    /// <summary>A session that leaked would keep the weights, about 400 kB each.</summary>
    [Fact]
    public void AThousandSessionsLeaveNothingBehind()
    {
        int[] tokens = Emitted.Tokens(3);
        long before = 0;
        for (int i = 0; i < 1000; i++)
        {
            using CompiledModel model = Emitted.Load(Engines.Best, offload: new OnnxOffload(File) { Threads = 1 });
            using Session session = model.CreateSession();
            session.Forward(tokens);
            if (i == 200)
            {
                before = Environment.WorkingSet;
            }
        }

        GC.Collect();
        Assert.InRange(Environment.WorkingSet - before, long.MinValue, 96L << 20);
    }

    /// <summary>In processes of their own: the native library is chosen once.</summary>
    [Fact]
    public void ANativeLibraryThatIsMissingOrAnotherIsTold()
    {
        string model = folder.Synthesise("tiny");
        string other = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, OperatingSystem.IsWindows() ? "clrjit.dll" : OperatingSystem.IsMacOS() ? "libclrjit.dylib" : "libclrjit.so");
        Assert.Matches("modelc: error MC341: ONNX Runtime's native library: found '.*', which has no function OrtGetApiBase, expected libonnxruntime of version 1.31.1", ChildProcess.Modelc("verify", model, "--library", other).Expect(1).Error);
        Assert.Matches("modelc: error MC341: ONNX Runtime's native library: found no file '.*nothing.so'", ChildProcess.Modelc("verify", model, "--library", folder["nothing.so"]).Expect(1).Error);
        Assert.StartsWith($"App.csproj: error MC341: the model '{model}': ONNX Runtime's native library: found no file ", ChildProcess.Modelc("verify", model, "--library", folder["nothing.so"], "--project", "App.csproj").Expect(1).Error);
    }

    /// <summary>A library that does not fit is not chosen: the one that fits can be named afterwards.</summary>
    [Fact]
    public void ALibraryThatDoesNotFitIsNotTaken()
    {
        folder.Write("text.so", "no library");
        string managed = OnnxLibrary.ManagedVersion;
        string said = Assert.Throws<OnnxLibraryException>(() => NativeOnnxLibrary.Load(folder["text.so"], managed)).Message;
        Assert.Contains("which does not load (", said, StringComparison.Ordinal);
        Assert.DoesNotContain("consider", said, StringComparison.Ordinal); // .NET's advice to programmers
        string right = Directory.GetFiles(AppContext.BaseDirectory, "*onnxruntime*", SearchOption.AllDirectories).First(file => Path.GetExtension(file) is ".so" or ".dylib" || Path.GetFileName(file) == "onnxruntime.dll");
        Assert.Matches("of version 1\\.\\d+\\.\\d+, expected 1.9999.0", Assert.Throws<OnnxLibraryException>(() => NativeOnnxLibrary.Load(right, "1.9999.0")).Message);
        Assert.NotEqual(0, NativeOnnxLibrary.Load(right, managed));
    }

    /// <summary>Where twice as much does not fit, what is needed is asked for; and only that is refused.</summary>
    [Theory]
    [InlineData(1000, "200")]
    [InlineData(150, "200 100")]
    [InlineData(50, "200 100")]
    public void ACacheGrowsByWhatIsNeededWhereTwiceAsMuchIsNotThere(int room, string asked)
    {
        List<int> found = [];
        int Allocate(int positions)
        {
            found.Add(positions);
            return positions <= room ? positions : throw new OnnxMemoryException("full");
        }

        if (room < 100)
        {
            Assert.Throws<OnnxMemoryException>(() => OnnxSequence.Grow(200, 100, Allocate));
        }
        else
        {
            Assert.Equal(room < 200 ? 100 : 200, OnnxSequence.Grow(200, 100, Allocate));
        }

        Assert.Equal(asked, string.Join(' ', found));
    }

    /// <summary>A device is asked for one thing at a time: what another thread frees during a run goes when it is done.</summary>
    [Fact]
    public void MemoryIsNotFreedDuringARun()
    {
        using OnnxModel model = OnnxModel.Open(new OnnxOffload(File));
        OnnxCache cache = model.AllocateCache(10), other = model.AllocateCache(10);
        model.Run(() =>
        {
            model.Free(cache);
            Assert.False(cache.IsDisposed);
        });
        Assert.True(cache.IsDisposed);
        Assert.Throws<InvalidOperationException>(() => model.Run(() =>
        {
            model.Free(other);
            throw new InvalidOperationException();
        }));
        Assert.True(other.IsDisposed);
    }

    private TException Refused<TException>(OnnxOffload offload)
        where TException : OffloadException
    {
        TException fault = Assert.Throws<TException>(() => Emitted.Load(Engines.Best, offload: offload));
        Assert.DoesNotContain('\n', fault.Message);
        using CompiledModel model = Emitted.Load(Engines.Best);
        return fault;
    }

    private string Changed(Action<ModelProto> change)
    {
        ModelProto model = ModelProto.Parser.ParseFrom(System.IO.File.ReadAllBytes(File));
        change(model);
        string path = folder[$"{Guid.NewGuid():n}.onnx"];
        System.IO.File.WriteAllBytes(path, model.ToByteArray());
        return path;
    }

    private static void CutPositions(ModelProto model)
    {
        TensorProto table = model.Graph.Initializer.Single(tensor => tensor.Name.EndsWith("wpe.weight", StringComparison.Ordinal));
        table.RawData = ByteString.CopyFrom(table.RawData.Span[..(int)(20 * table.Dims[1] * sizeof(float))]);
        table.Dims[0] = 20;
    }

    private static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> found)
    {
        RowErrors errors = RowErrors.Of(found, Array.ConvertAll(expected.ToArray(), number => (double)number), expected.Length);
        Assert.True(errors.Overall < 4e-5, errors.ToString());
    }

    /// <summary>With a cache of so many positions.</summary>
    private CompiledModel LoadForPositions(int positions)
    {
        ModelDescription d;
        using (CompiledModel plain = Emitted.Load(Engines.Best))
        {
            d = plain.Description;
        }

        return Emitted.Load(Engines.Best, offload: new OnnxOffload(File) { CacheLimitBytes = positions * 2L * d.Layers * d.KvHeads * d.HeadDim * sizeof(float) });
    }
}

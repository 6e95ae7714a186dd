namespace ModelCompiler.EndToEnd.Tests.Onnx.Devices;

/// <summary>CUDA: the library is that of the package Microsoft.ML.OnnxRuntime.Gpu, beside it libonnxruntime_providers_cuda.so.</summary>
public sealed class CudaTests(ITestOutputHelper output) : DeviceTests(output, "cuda", "MODELCOMPILER_CUDA", hasAttention: true)
{
    /// <summary>In half precision, which software Vulkan has not.</summary>
    [Theory]
    [InlineData("llama-llama3", "f16", "standard")]
    [InlineData("qwen3-head24", "f16", "gpu")]
    [InlineData("mistral-window8", "q4", "gpu")]
    public void HalfPrecisionAgrees(string family, string weights, string operators) => Agrees(family, weights, operators, "f16");
}

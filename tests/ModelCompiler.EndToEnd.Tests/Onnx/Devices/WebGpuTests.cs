namespace ModelCompiler.EndToEnd.Tests.Onnx.Devices;

/// <summary>WebGPU, over software Vulkan where there is no GPU: <c>setup.sh FOLDER</c> makes what that needs.</summary>
public sealed class WebGpuTests(ITestOutputHelper output) : DeviceTests(output, "webgpu", "MODELCOMPILER_WEBGPU", hasAttention: false);

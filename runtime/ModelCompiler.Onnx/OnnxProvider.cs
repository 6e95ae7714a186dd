using Microsoft.ML.OnnxRuntime;

namespace ModelCompiler.Onnx;

/// <summary>An execution provider of ONNX Runtime.</summary>
/// <param name="Name">As users write it: <c>cuda</c>.</param>
/// <param name="RuntimeName">As ONNX Runtime lists it.</param>
/// <param name="Allocator">Name of its device memory; null: it works in the CPU's.</param>
/// <param name="Append">Adds it to the options of a session.</param>
public sealed record OnnxProvider(string Name, string RuntimeName, string? Allocator, Action<SessionOptions, int, IReadOnlyDictionary<string, string>> Append)
{
    /// <summary>Those that have a name here.</summary>
    public static IReadOnlyList<OnnxProvider> All { get; } =
    [
        new("cpu", "CPUExecutionProvider", null, (_, _, _) => { }),
        new("cuda", "CUDAExecutionProvider", "Cuda", AppendCuda),
        new("tensorrt", "TensorrtExecutionProvider", "Cuda", AppendTensorRt),
        new("webgpu", "WebGpuExecutionProvider", "WebGPU_Buffer", (session, _, options) => session.AppendExecutionProvider("WebGPU", new(options))),
        new("directml", "DmlExecutionProvider", null, (session, device, _) => session.AppendExecutionProvider_DML(device)),
        new("coreml", "CoreMLExecutionProvider", null, (session, _, options) => session.AppendExecutionProvider("CoreML", new(options))),
        new("rocm", "ROCMExecutionProvider", "Hip", (session, device, _) => session.AppendExecutionProvider_ROCm(device)),
        new("migraphx", "MIGraphXExecutionProvider", "Hip", (session, device, _) => session.AppendExecutionProvider_MIGraphX(device)),
        new("openvino", "OpenVINOExecutionProvider", null, (session, _, options) => session.AppendExecutionProvider("OpenVINO", new(options))),
        new("qnn", "QNNExecutionProvider", null, (session, _, options) => session.AppendExecutionProvider("QNN", new(options))),
        new("xnnpack", "XnnpackExecutionProvider", null, (session, _, options) => session.AppendExecutionProvider("XNNPACK", new(options))),
    ];

    /// <summary>The provider of that name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static OnnxProvider Find(string name) => All.FirstOrDefault(provider => provider.Name == name)
        ?? throw new ArgumentException($"provider: found '{name}', expected one of {string.Join(", ", All.Select(provider => provider.Name))}.", nameof(name));

    private static void AppendCuda(SessionOptions session, int device, IReadOnlyDictionary<string, string> options)
    {
        using OrtCUDAProviderOptions cuda = new();
        cuda.UpdateOptions(WithDevice(device, options));
        session.AppendExecutionProvider_CUDA(cuda);
    }

    private static void AppendTensorRt(SessionOptions session, int device, IReadOnlyDictionary<string, string> options)
    {
        using OrtTensorRTProviderOptions tensorRt = new();
        tensorRt.UpdateOptions(WithDevice(device, options));
        session.AppendExecutionProvider_Tensorrt(tensorRt);
    }

    private static Dictionary<string, string> WithDevice(int device, IReadOnlyDictionary<string, string> options)
        => new(options) { ["device_id"] = device.ToString(System.Globalization.CultureInfo.InvariantCulture) };
}

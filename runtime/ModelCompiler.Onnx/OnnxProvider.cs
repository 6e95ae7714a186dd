using Microsoft.ML.OnnxRuntime;

namespace ModelCompiler.Onnx;

/// <summary>An execution provider of ONNX Runtime.</summary>
/// <param name="Name">As users write it: <c>cuda</c>.</param>
/// <param name="RuntimeName">As ONNX Runtime lists it.</param>
/// <param name="Allocator">Name of its device memory; null: it works in the CPU's.</param>
/// <param name="HasDevices">It takes the number of a device.</param>
/// <param name="HasOptions">It takes options.</param>
/// <param name="Append">Adds it to the options of a session.</param>
public sealed record OnnxProvider(
    string Name, string RuntimeName, string? Allocator, bool HasDevices, bool HasOptions, Action<SessionOptions, int, IReadOnlyDictionary<string, string>> Append)
{
    /// <summary>Those that have a name here.</summary>
    public static IReadOnlyList<OnnxProvider> All { get; } =
    [
        new("cpu", "CPUExecutionProvider", null, false, false, (_, _, _) => { }),
        new("cuda", "CUDAExecutionProvider", "Cuda", true, true, AppendCuda),
        new("tensorrt", "TensorrtExecutionProvider", "Cuda", true, true, AppendTensorRt),
        ByName("webgpu", "WebGpuExecutionProvider", "WebGPU", "WebGPU_Buffer"),
        new("directml", "DmlExecutionProvider", null, true, false, (session, device, _) => session.AppendExecutionProvider_DML(device)),
        ByName("coreml", "CoreMLExecutionProvider", "CoreML"),
        new("rocm", "ROCMExecutionProvider", "Hip", true, false, (session, device, _) => session.AppendExecutionProvider_ROCm(device)),
        new("migraphx", "MIGraphXExecutionProvider", "Hip", true, false, (session, device, _) => session.AppendExecutionProvider_MIGraphX(device)),
        ByName("openvino", "OpenVINOExecutionProvider", "OpenVINO"),
        ByName("qnn", "QNNExecutionProvider", "QNN"),
        ByName("xnnpack", "XnnpackExecutionProvider", "XNNPACK"),
    ];

    /// <summary>The provider of that name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static OnnxProvider Find(string name) => All.FirstOrDefault(provider => provider.Name == name)
        ?? throw new ArgumentException($"provider: found '{name}', expected one of {string.Join(", ", All.Select(provider => provider.Name))}.", nameof(name));

    private static OnnxProvider ByName(string name, string runtimeName, string appended, string? allocator = null)
        => new(name, runtimeName, allocator, HasDevices: false, HasOptions: true, (session, _, options) => session.AppendExecutionProvider(appended, new(options)));

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

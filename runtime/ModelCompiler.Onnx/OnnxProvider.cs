using Microsoft.ML.OnnxRuntime;

namespace ModelCompiler.Onnx;

/// <summary>An execution provider of ONNX Runtime.</summary>
public sealed class OnnxProvider
{
    private readonly Action<SessionOptions, int, IReadOnlyDictionary<string, string>> append;

    private OnnxProvider(string name, string runtimeName, string? allocator, bool hasDevices, bool hasOptions, Action<SessionOptions, int, IReadOnlyDictionary<string, string>> append)
    {
        (Name, RuntimeName, Allocator, HasDevices, HasOptions) = (name, runtimeName, allocator, hasDevices, hasOptions);
        this.append = append;
    }

    /// <summary>As users write it: <c>cuda</c>.</summary>
    public string Name { get; }

    /// <summary>As ONNX Runtime lists it.</summary>
    public string RuntimeName { get; }

    /// <summary>It takes the number of a device (<see cref="OnnxOffload.DeviceId"/>).</summary>
    public bool HasDevices { get; }

    /// <summary>It takes options (<see cref="OnnxOffload.ProviderOptions"/>).</summary>
    public bool HasOptions { get; }

    /// <summary>Name of its device memory; null: it works in the CPU's.</summary>
    internal string? Allocator { get; }

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
        ?? throw new ArgumentException($"{nameof(OnnxOffload)}.{nameof(OnnxOffload.Provider)}: found '{name}', expected one of {string.Join(", ", All.Select(provider => provider.Name))}.");

    /// <summary>Adds it to the options of a session.</summary>
    internal void Append(SessionOptions session, int device, IReadOnlyDictionary<string, string> options) => append(session, device, options);

    private static OnnxProvider ByName(string name, string runtimeName, string appended, string? allocator = null)
        => new(name, runtimeName, allocator, hasDevices: false, hasOptions: true, (session, _, options) => session.AppendExecutionProvider(appended, new(options)));

    private static void AppendCuda(SessionOptions session, int device, IReadOnlyDictionary<string, string> options)
    {
        // float32 is float32: CUDA's own default multiplies with ten bits of a fraction (TF32), which is asked for by its name.
        using OrtCUDAProviderOptions cuda = new();
        cuda.UpdateOptions(WithDevice(device, options.ContainsKey("use_tf32") ? options : new Dictionary<string, string>(options) { ["use_tf32"] = "0" }));
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

using ModelCompiler.Runtime.Offload;

namespace ModelCompiler.Onnx;

/// <summary>ONNX Runtime's native library is not there, or is of another version than the managed one asks for.</summary>
public sealed class OnnxLibraryException(string message, Exception? inner = null) : OffloadException(message, inner);

/// <summary>The native library has no such provider, or the provider found no device or driver.</summary>
public sealed class OnnxProviderException(string message, Exception? inner = null) : OffloadException(message, inner);

/// <summary>The file is no ONNX model, is refused by ONNX Runtime, or is another model than the compiled one.</summary>
public sealed class OnnxModelException(string message, Exception? inner = null) : OffloadException(message, inner);

/// <summary>Weights, activations, or keys and values do not fit the device's memory, or the limit that was set.</summary>
public sealed class OnnxMemoryException(string message, Exception? inner = null) : OffloadException(message, inner);

/// <summary>A run failed midway.</summary>
public sealed class OnnxRunException(string message, Exception? inner = null) : OffloadException(message, inner);

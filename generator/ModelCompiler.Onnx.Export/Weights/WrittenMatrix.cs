using Onnx;

namespace ModelCompiler.Onnx.Export.Weights;

/// <summary>A matrix in the file, as [inputs, outputs].</summary>
/// <param name="Name">Of the numbers, or of the integers of a block format.</param>
/// <param name="Type">Their type.</param>
/// <param name="Scales">float32 [inputs / 32, outputs], or null when the numbers are no integers.</param>
internal sealed record WrittenMatrix(string Name, TensorProto.Types.DataType Type, string? Scales = null);

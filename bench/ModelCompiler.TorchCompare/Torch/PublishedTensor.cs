using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Tool.Inputs;

namespace ModelCompiler.TorchCompare.Torch;

/// <summary>A tensor as float32, in the order of its file.</summary>
internal static class PublishedTensor
{
    public static float[] Read(ModelFolder folder, TensorInfo tensor)
    {
        // As a matrix of its first dimension: the order of the file.
        int rows = tensor.Shape[0];
        int columns = tensor.Shape.Skip(1).Aggregate(1, (product, size) => product * size);
        float[] numbers = new float[(long)rows * columns];
        new PublishedParameters(folder).Read(new Parameter(tensor.Name, rows, columns, tensor), 0, rows, numbers);
        return numbers;
    }
}

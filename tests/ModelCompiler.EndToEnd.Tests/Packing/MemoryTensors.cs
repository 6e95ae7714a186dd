using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.EndToEnd.Tests.Packing;

/// <summary>Published tensors that lie in memory.</summary>
internal sealed class MemoryTensors : ITensorSource
{
    private readonly Dictionary<string, float[]> tensors = [];

    /// <summary>The numbers of a tensor, to be looked at and changed.</summary>
    public float[] this[string name] => tensors[name];

    /// <summary>A tensor of random numbers, stored in single precision.</summary>
    public TensorInfo Add(string name, params int[] shape)
    {
        Random random = new(name.Length + shape[0]);
        float[] values = new float[shape.Aggregate((a, b) => a * b)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)(random.NextDouble() - 0.5) * MathF.Pow(10, random.Next(-9, 4));
        }

        tensors.Add(name, values);
        return new(name, TensorType.F32, shape.ToEquatable(), "memory.safetensors", 0, 4L * values.Length);
    }

    /// <summary>A matrix [rows × columns] with a tensor to itself.</summary>
    public Parameter Matrix(string name, int rows, int columns) => new(name, rows, columns, Add(name, rows, columns));

    /// <summary>A vector with a tensor to itself.</summary>
    public Parameter Vector(string name, int length) => new(name, length, 1, Add(name, length));

    /// <summary>W[row, input] of a parameter, read from its tensor by the definition alone.</summary>
    public float Element(Parameter parameter, int row, int input)
    {
        int output = parameter.FirstRow + row;
        int index = parameter.Transposed ? (input * parameter.Tensor.Shape[1]) + output : (output * parameter.Columns) + input;
        return tensors[parameter.Tensor.Name][index];
    }

    public void Read(TensorInfo tensor, long first, Span<float> destination)
        => tensors[tensor.Name].AsSpan((int)first, destination.Length).CopyTo(destination);
}

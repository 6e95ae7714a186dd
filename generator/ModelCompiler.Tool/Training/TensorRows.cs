using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Tool.Training;

/// <summary>Copies published tensors into a trainable model a few megabytes at a time: training's memory is most of a machine's, and a table of tokens would lie there once more.</summary>
internal static class TensorRows
{
    private const int BlockFloats = 1 << 20;

    /// <summary>One tensor, of any element type.</summary>
    /// <exception cref="ArgumentException">The model does not train it, or it has another shape.</exception>
    public static void Copy(ITensorSource source, TensorInfo tensor, TrainableModel model)
        => Fill(tensor, model, (first, numbers) => source.Read(tensor, first, numbers));

    /// <summary>One tensor, whose numbers from the <c>first</c> on <paramref name="read"/> supplies.</summary>
    public static void Fill(TensorInfo tensor, TrainableModel model, ReadNumbers read)
    {
        int rows = tensor.Shape[0];
        int rowLength = tensor.Shape.Skip(1).Aggregate(1, (product, size) => checked(product * size));
        int each = Math.Clamp(BlockFloats / rowLength, 1, rows);
        float[] numbers = new float[each * rowLength];
        for (int row = 0; row < rows; row += each)
        {
            Span<float> block = numbers.AsSpan(0, Math.Min(each, rows - row) * rowLength);
            read((long)row * rowLength, block);
            model.WriteTensorRows(tensor.Name, row, block);
        }
    }
}

/// <summary>Fills <paramref name="numbers"/> with those of a tensor from the <paramref name="first"/> on, row by row.</summary>
internal delegate void ReadNumbers(long first, Span<float> numbers);

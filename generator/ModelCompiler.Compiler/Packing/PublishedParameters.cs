using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Packing;

/// <summary>The model as published: every number as its tensor holds it, slices and transposition undone.</summary>
public sealed class PublishedParameters(ITensorSource tensors) : IParameterSource
{
    /// <summary>A transposed tensor is read this many outputs at a time: one panel, whole cache lines of the source.</summary>
    private const int TransposedRows = 64;

    /// <inheritdoc/>
    public void Read(Parameter parameter, int firstRow, int rows, Span<float> destination)
    {
        if (firstRow < 0 || rows < 0 || firstRow > parameter.Rows - rows)
        {
            throw new ArgumentOutOfRangeException(
                nameof(firstRow), $"rows {firstRow} … {firstRow + rows - 1} of '{parameter.Name}', which has {parameter.Rows}");
        }

        int columns = parameter.Columns;
        if (!parameter.Transposed)
        {
            tensors.Read(parameter.Tensor, (long)(parameter.FirstRow + firstRow) * columns, destination.Slice(0, rows * columns));
            return;
        }

        for (int done = 0; done < rows; done += TransposedRows)
        {
            int count = Math.Min(TransposedRows, rows - done);
            ReadTransposed(parameter, firstRow + done, count, destination.Slice(done * columns, count * columns));
        }
    }

    private void ReadTransposed(Parameter parameter, int firstRow, int rows, Span<float> destination)
    {
        int columns = parameter.Columns;
        int stride = parameter.Tensor.Shape[1];
        Span<float> outputs = stackalloc float[TransposedRows];
        outputs = outputs.Slice(0, rows);
        for (int k = 0; k < columns; k++)
        {
            tensors.Read(parameter.Tensor, ((long)k * stride) + parameter.FirstRow + firstRow, outputs);
            for (int r = 0; r < outputs.Length; r++)
            {
                destination[(r * columns) + k] = outputs[r];
            }
        }
    }
}

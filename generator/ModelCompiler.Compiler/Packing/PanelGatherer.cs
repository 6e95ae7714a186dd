using System.Buffers;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Packing;

/// <summary>Rows FirstRow … FirstRow + Count − 1 of a parameter, which are columns FirstColumn … of a panel.</summary>
public readonly record struct PanelRows(Parameter Parameter, int FirstRow, int Count, int FirstColumn);

/// <summary>Collects what a packed layout puts side by side. Packing, rounding and messages all follow the layout through here.</summary>
public static class PanelGatherer
{
    /// <summary>The parameters' rows that panel <paramref name="panel"/> holds; columns that none covers are zero.</summary>
    public static IEnumerable<PanelRows> Rows(PackedMatrix matrix, int panel)
    {
        MatrixPart part = matrix.Parts[panel % matrix.Parts.Count];
        int begin = panel / matrix.Parts.Count * matrix.Format.PanelColumns;
        int end = begin + matrix.Columns(panel);
        foreach (OutputSegment segment in part.Outputs)
        {
            int first = Math.Max(begin, segment.FirstColumn);
            int last = Math.Min(end, segment.FirstColumn + segment.Count);
            if (first < last)
            {
                yield return new(segment.Parameter, segment.FirstRow + first - segment.FirstColumn, last - first, first - begin);
            }
        }
    }

    /// <summary>weights[c · PaddedInputs + k] of a panel's columns, zero in the gaps: what <c>WeightFormat.EncodePanel</c> takes.</summary>
    public static void Gather(PackedMatrix matrix, int panel, IParameterSource source, Span<float> weights)
    {
        int inputs = matrix.PaddedInputs;
        weights = weights.Slice(0, matrix.Columns(panel) * inputs);
        weights.Clear();
        foreach (PanelRows rows in Rows(matrix, panel))
        {
            int columns = rows.Parameter.Columns;
            float[] values = ArrayPool<float>.Shared.Rent(rows.Count * columns);
            source.Read(rows.Parameter, rows.FirstRow, rows.Count, values);
            for (int r = 0; r < rows.Count; r++)
            {
                ReadOnlySpan<float> row = values.AsSpan(r * columns, columns);
                Span<float> target = weights.Slice((rows.FirstColumn + r) * inputs, inputs);
                foreach (InputSegment segment in matrix.Inputs)
                {
                    row.Slice(segment.First, segment.Count).CopyTo(target.Slice(segment.FirstPadded, segment.Count));
                }
            }

            ArrayPool<float>.Shared.Return(values);
        }
    }

    /// <summary>
    /// Rows firstRow … of a packed vector or table: destination[r · PaddedLength + i], zero in the gaps, the addend added in
    /// double precision.
    /// </summary>
    public static void Gather(PackedVector vector, int firstRow, int rows, IParameterSource source, Span<float> destination)
    {
        destination = destination.Slice(0, rows * vector.PaddedLength);
        destination.Clear();
        foreach (VectorSegment segment in vector.Segments)
        {
            for (int r = 0; r < rows; r++)
            {
                Span<float> target = destination.Slice((r * vector.PaddedLength) + segment.At, segment.Count);
                ReadElements(segment, firstRow + r, source, target);
                if (vector.Addend != 0)
                {
                    for (int i = 0; i < target.Length; i++)
                    {
                        target[i] = (float)(target[i] + vector.Addend);
                    }
                }
            }
        }
    }

    private static void ReadElements(VectorSegment segment, int row, IParameterSource source, Span<float> target)
    {
        if (segment.Parameter.Columns == 1)
        {
            source.Read(segment.Parameter, segment.First, segment.Count, target);
            return;
        }

        float[] values = ArrayPool<float>.Shared.Rent(segment.Parameter.Columns);
        source.Read(segment.Parameter, row, 1, values);
        values.AsSpan(segment.First, segment.Count).CopyTo(target);
        ArrayPool<float>.Shared.Return(values);
    }
}

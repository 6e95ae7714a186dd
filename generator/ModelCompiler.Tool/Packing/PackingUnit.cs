using System.Buffers;
using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Tool.Packing;

/// <summary>A run of bytes of the data section that is made on its own: one panel of a matrix, or some rows of a table.</summary>
/// <param name="OffsetBytes">From the start of the data section.</param>
/// <param name="LengthBytes">How much it fills.</param>
internal abstract record PackingUnit(long OffsetBytes, int LengthBytes)
{
    /// <summary>A table of positions is cut into runs of about this size.</summary>
    private const int RowsBytes = 1 << 20;

    /// <summary>Gathers, checks and encodes; <paramref name="bytes"/> is <see cref="LengthBytes"/> long.</summary>
    public abstract void Encode(IParameterSource source, Span<byte> bytes);

    /// <summary>Everything in a layout, in the order of the file.</summary>
    public static IReadOnlyList<PackingUnit> Of(PackedWeights layout)
    {
        IEnumerable<PackingUnit> units = layout.Matrices.SelectMany(Panels).Concat(layout.Vectors.SelectMany(Rows));
        return [.. units.OrderBy(unit => unit.OffsetBytes)];
    }

    private static IEnumerable<PackingUnit> Panels(PackedMatrix matrix)
    {
        for (int panel = 0; panel < matrix.PanelCount; panel++)
        {
            long bytes = matrix.Format.PanelBytes(matrix.PaddedInputs, matrix.Columns(panel));
            yield return new PanelUnit(matrix, panel, checked((int)bytes));
        }
    }

    private static IEnumerable<PackingUnit> Rows(PackedVector vector)
    {
        int rowBytes = checked(4 * vector.PaddedLength);
        int step = Math.Max(1, RowsBytes / rowBytes);
        for (int row = 0; row < vector.Rows; row += step)
        {
            yield return new RowsUnit(vector, row, Math.Min(step, vector.Rows - row));
        }
    }

    private sealed record PanelUnit(PackedMatrix Matrix, int Panel, int Bytes) : PackingUnit(Matrix.PanelOffsetBytes(Panel), Bytes)
    {
        public override void Encode(IParameterSource source, Span<byte> bytes)
        {
            int columns = Matrix.Columns(Panel);
            float[] rented = ArrayPool<float>.Shared.Rent(columns * Matrix.PaddedInputs);
            try
            {
                Span<float> weights = rented.AsSpan(0, columns * Matrix.PaddedInputs);
                PanelGatherer.Gather(Matrix, Panel, source, weights);
                if (!PackingFault.AllFinite(weights))
                {
                    throw PackingFault.NotFinite(Matrix, Panel, weights);
                }

                try
                {
                    Matrix.Format.EncodePanel(weights, Matrix.PaddedInputs, columns, bytes);
                }
                catch (OverflowException)
                {
                    throw PackingFault.TooLarge(Matrix, Panel, weights);
                }
            }
            finally
            {
                ArrayPool<float>.Shared.Return(rented);
            }
        }
    }

    private sealed record RowsUnit(PackedVector Vector, int FirstRow, int RowCount)
        : PackingUnit(Vector.OffsetBytes + (4L * FirstRow * Vector.PaddedLength), 4 * RowCount * Vector.PaddedLength)
    {
        public override void Encode(IParameterSource source, Span<byte> bytes)
        {
            Span<float> numbers = MemoryMarshal.Cast<byte, float>(bytes);
            PanelGatherer.Gather(Vector, FirstRow, RowCount, source, numbers);
            if (!PackingFault.AllFinite(numbers))
            {
                throw PackingFault.NotFinite(Vector, FirstRow, numbers);
            }
        }
    }
}

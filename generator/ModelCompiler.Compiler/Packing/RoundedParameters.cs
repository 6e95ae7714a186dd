using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Packing;

/// <summary>
/// What the kernels compute with: every matrix of a layout encoded and decoded panel by panel, so that the rounding of a
/// format that shares a scale between numbers is the packed one too. Vectors stay as published. Holds all matrices.
/// </summary>
public sealed class RoundedParameters : IParameterSource
{
    // Row by row: a large vocabulary's table has more numbers than one array may hold.
    private readonly Dictionary<Parameter, float[][]> rounded = [];
    private readonly IParameterSource published;

    /// <summary>Rounds every matrix of <paramref name="layout"/>.</summary>
    /// <exception cref="OverflowException">A number does not fit its format; packing the model says which.</exception>
    public RoundedParameters(PackedWeights layout, IParameterSource published)
    {
        this.published = published;
        foreach (PackedMatrix matrix in layout.Matrices)
        {
            Round(matrix);
        }
    }

    /// <inheritdoc/>
    public void Read(Parameter parameter, int firstRow, int rows, Span<float> destination)
    {
        if (rounded.TryGetValue(parameter, out float[][]? values))
        {
            for (int r = 0; r < rows; r++)
            {
                values[firstRow + r].CopyTo(destination[(r * parameter.Columns)..]);
            }
        }
        else
        {
            published.Read(parameter, firstRow, rows, destination);
        }
    }

    private void Round(PackedMatrix matrix)
    {
        float[] weights = new float[matrix.Format.PanelColumns * matrix.PaddedInputs];
        byte[] bytes = new byte[matrix.FullPanelBytes];
        for (int panel = 0; panel < matrix.PanelCount; panel++)
        {
            int columns = matrix.Columns(panel);
            Span<byte> packed = bytes.AsSpan(0, (int)matrix.Format.PanelBytes(matrix.PaddedInputs, columns));
            PanelGatherer.Gather(matrix, panel, published, weights);
            matrix.Format.EncodePanel(weights, matrix.PaddedInputs, columns, packed);
            matrix.Format.DecodePanel(packed, matrix.PaddedInputs, columns, weights);
            Scatter(matrix, panel, weights);
        }
    }

    private void Scatter(PackedMatrix matrix, int panel, ReadOnlySpan<float> weights)
    {
        foreach (PanelRows rows in PanelGatherer.Rows(matrix, panel))
        {
            Parameter parameter = rows.Parameter;
            if (!rounded.TryGetValue(parameter, out float[][]? values))
            {
                values = ReadRows(parameter);
                rounded.Add(parameter, values);
            }

            for (int r = 0; r < rows.Count; r++)
            {
                Span<float> row = values[rows.FirstRow + r];
                ReadOnlySpan<float> column = weights.Slice((rows.FirstColumn + r) * matrix.PaddedInputs, matrix.PaddedInputs);
                foreach (InputSegment segment in matrix.Inputs)
                {
                    column.Slice(segment.FirstPadded, segment.Count).CopyTo(row.Slice(segment.First, segment.Count));
                }
            }
        }
    }

    private float[][] ReadRows(Parameter parameter)
    {
        float[][] values = new float[parameter.Rows][];
        for (int row = 0; row < values.Length; row++)
        {
            values[row] = new float[parameter.Columns];
            published.Read(parameter, row, 1, values[row]);
        }

        return values;
    }
}

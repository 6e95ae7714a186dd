using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Tool.Packing;

/// <summary>Weights that cannot be packed, told by the published tensor and the index in it.</summary>
internal static class PackingFault
{
    /// <summary>True when no number is infinite or NaN.</summary>
    public static bool AllFinite(ReadOnlySpan<float> numbers)
    {
        // x · 0 is 0 for a finite x and NaN for any other, and a sum keeps a NaN.
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(numbers);
        Vector<float> sum = Vector<float>.Zero;
        foreach (Vector<float> vector in vectors)
        {
            sum += vector * 0f;
        }

        float rest = Vector.Sum(sum);
        foreach (float number in numbers[(vectors.Length * Vector<float>.Count)..])
        {
            rest += number * 0f;
        }

        return rest == 0;
    }

    /// <summary>The first number of a panel that is not finite.</summary>
    public static ModelException NotFinite(PackedMatrix matrix, int panel, ReadOnlySpan<float> weights)
    {
        int index = IndexOfNotFinite(weights);
        (Parameter parameter, int row, int input) = Locate(matrix, panel, index / matrix.PaddedInputs, index % matrix.PaddedInputs);
        return NotFinite(parameter, row, input, weights[index]);
    }

    /// <summary>The first number of some rows of a vector that is not finite.</summary>
    public static ModelException NotFinite(PackedVector vector, int firstRow, ReadOnlySpan<float> numbers)
    {
        int index = IndexOfNotFinite(numbers);
        int row = firstRow + (index / vector.PaddedLength);
        int at = index % vector.PaddedLength;
        VectorSegment segment = vector.Segments.First(s => at >= s.At && at < s.At + s.Count);
        int element = segment.First + at - segment.At;
        return segment.Parameter.Columns == 1
            ? NotFinite(segment.Parameter, element, 0, numbers[index])
            : NotFinite(segment.Parameter, row, element, numbers[index]);
    }

    /// <summary>
    /// The number that a format refused: the largest of the first row that it refuses on its own. Found by trying, so that a
    /// format needs to tell no more than that it overflowed.
    /// </summary>
    public static ModelException TooLarge(PackedMatrix matrix, int panel, ReadOnlySpan<float> weights)
    {
        int inputs = matrix.PaddedInputs;
        int columns = matrix.Columns(panel);
        float[] alone = new float[columns * inputs];
        byte[] bytes = new byte[matrix.Format.PanelBytes(inputs, columns)];
        for (int c = 0; c < columns; c++)
        {
            Array.Clear(alone);
            ReadOnlySpan<float> row = weights.Slice(c * inputs, inputs);
            row.CopyTo(alone.AsSpan(c * inputs));
            try
            {
                matrix.Format.EncodePanel(alone, inputs, columns, bytes);
            }
            catch (OverflowException)
            {
                int largest = IndexOfLargest(row);
                (Parameter parameter, int parameterRow, int input) = Locate(matrix, panel, c, largest);
                return TooLarge(parameter, parameterRow, input, row[largest], matrix.Format.Name);
            }
        }

        throw new InvalidOperationException($"{matrix.Format.Name} refuses panel {panel} of '{matrix.Name}', but none of its rows");
    }

    private static ModelException NotFinite(Parameter parameter, int row, int input, float value) => Report(
        Catalogue.WeightNotFinite, parameter, row, input, value, "a finite number",
        "The file is damaged or the training of the model diverged: download it again, or take an earlier checkpoint.");

    private static ModelException TooLarge(Parameter parameter, int row, int input, float value, string format) => Report(
        Catalogue.WeightTooLarge, parameter, row, input, value, $"a number that {format} can hold", "Choose the weights format bf16 or f32.");

    private static ModelException Report(
        DiagnosticRule rule, Parameter parameter, int row, int input, float value, string expected, string advice)
        => new(rule.Create(new SourceSpan(parameter.Tensor.File), Describe(parameter, row, input), Format(value), expected, advice));

    private static string Format(float value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>The element as the tensor counts it.</summary>
    private static string Describe(Parameter parameter, int row, int input)
    {
        int output = parameter.FirstRow + row;
        string index = parameter.Columns == 1 ? $"{output}" : parameter.Transposed ? $"{input}, {output}" : $"{output}, {input}";
        return $"tensor '{parameter.Tensor.Name}' at [{index}]";
    }

    private static (Parameter Parameter, int Row, int Input) Locate(PackedMatrix matrix, int panel, int column, int paddedInput)
    {
        PanelRows rows = PanelGatherer.Rows(matrix, panel).First(r => column >= r.FirstColumn && column < r.FirstColumn + r.Count);
        InputSegment segment = matrix.Inputs.First(s => paddedInput >= s.FirstPadded && paddedInput < s.FirstPadded + s.Count);
        return (rows.Parameter, rows.FirstRow + column - rows.FirstColumn, segment.First + paddedInput - segment.FirstPadded);
    }

    private static int IndexOfNotFinite(ReadOnlySpan<float> numbers)
    {
        int index = 0;
        while (float.IsFinite(numbers[index]))
        {
            index++;
        }

        return index;
    }

    private static int IndexOfLargest(ReadOnlySpan<float> numbers)
    {
        int largest = 0;
        for (int i = 1; i < numbers.Length; i++)
        {
            if (Math.Abs(numbers[i]) > Math.Abs(numbers[largest]))
            {
                largest = i;
            }
        }

        return largest;
    }
}

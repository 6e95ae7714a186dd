using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.EndToEnd.Tests.Packing;

/// <summary>
/// Reads a packed data section as its layout is defined, and compares every number with the published one, rounded by a rule that
/// is written down here a second time. <paramref name="element"/>: W[row, input] of a parameter.
/// </summary>
internal sealed class PackedFileCheck(Func<Parameter, int, int, float> element, byte[] data)
{
    public void CheckMatrices(PackedWeights layout)
    {
        foreach (PackedMatrix matrix in layout.Matrices)
        {
            CheckMatrix(matrix);
        }
    }

    public void CheckVectors(PackedWeights layout)
    {
        foreach (PackedVector vector in layout.Vectors)
        {
            float[] expected = Expected(vector);
            ReadOnlySpan<float> actual = MemoryMarshal.Cast<byte, float>(data.AsSpan((int)vector.OffsetBytes, (int)vector.LengthBytes));
            Assert.True(actual.SequenceEqual(expected), vector.Name);
        }
    }

    public static float Round(string format, float value) => format switch
    {
        "f32" => value,
        "f16" => (float)(Half)value,
        "bf16" => RoundToBF16(value),
        _ => throw new ArgumentException($"this test does not know how {format} rounds", nameof(format)),
    };

    /// <summary>
    /// Block formats choose their scales; what is asked of them is that they are not farther from the published numbers than the plainest way of
    /// rounding would be: scale = largest of the group / levels, each number to the nearest.
    /// </summary>
    public static void AssertRounded(BlockFormat format, ReadOnlySpan<float> published, ReadOnlySpan<float> packed, string what)
    {
        (double plain, double actual) = (0, 0);
        for (int group = 0; group < published.Length; group += BlockFormat.GroupInputs)
        {
            ReadOnlySpan<float> numbers = published.Slice(group, BlockFormat.GroupInputs);
            double scale = Largest(numbers) / (format.Bits == 8 ? 127.0 : 7.0);
            for (int k = 0; k < numbers.Length; k++)
            {
                plain += Math.Pow(numbers[k] - (scale == 0 ? 0 : Math.Round(numbers[k] / scale) * scale), 2);
                actual += Math.Pow(numbers[k] - packed[group + k], 2);
            }
        }

        // A scale rounded up to bfloat16 is at most 0.8 % larger, which is 1.6 % in the square; the rest is chance, in a panel of few numbers.
        Assert.True(actual <= 1.05 * plain, $"{what}: squared error {actual:e3}, rounded to nearest {plain:e3}");
    }

    private static double Largest(ReadOnlySpan<float> numbers)
    {
        double largest = 0;
        foreach (float number in numbers)
        {
            largest = Math.Max(largest, Math.Abs(number));
        }

        return largest;
    }

    /// <summary>Walks the panels as a kernel does: one after another, parts alternating.</summary>
    private void CheckMatrix(PackedMatrix matrix)
    {
        float[][] expected = [.. matrix.Parts.Select(part => Expected(matrix, part))];
        int inputs = matrix.PaddedInputs;
        long offset = matrix.OffsetBytes;
        for (int begin = 0; begin < matrix.PaddedOutputs; begin += matrix.Format.PanelColumns)
        {
            int columns = Math.Min(matrix.Format.PanelColumns, matrix.PaddedOutputs - begin);
            int bytes = (int)matrix.Format.PanelBytes(inputs, columns);
            foreach (float[] part in expected)
            {
                float[] decoded = new float[columns * inputs];
                matrix.Format.DecodePanel(data.AsSpan((int)offset, bytes), inputs, columns, decoded);
                ReadOnlySpan<float> wanted = part.AsSpan(begin * inputs, columns * inputs);
                if (matrix.Format is BlockFormat blocks)
                {
                    AssertRounded(blocks, wanted, decoded, $"{matrix.Name}, columns {begin} …");
                }
                else
                {
                    Assert.True(wanted.SequenceEqual(decoded), $"{matrix.Name}, columns {begin} …");
                }

                offset += bytes;
            }
        }

        Assert.Equal(matrix.OffsetBytes + matrix.LengthBytes, offset);
    }

    /// <summary>[paddedOutputs × paddedInputs] of a part.</summary>
    private float[] Expected(PackedMatrix matrix, MatrixPart part)
    {
        float[] expected = new float[matrix.PaddedOutputs * matrix.PaddedInputs];
        foreach (OutputSegment outputs in part.Outputs)
        {
            foreach (InputSegment inputs in matrix.Inputs)
            {
                for (int r = 0; r < outputs.Count; r++)
                {
                    for (int k = 0; k < inputs.Count; k++)
                    {
                        float value = element(outputs.Parameter, outputs.FirstRow + r, inputs.First + k);
                        expected[((outputs.FirstColumn + r) * matrix.PaddedInputs) + inputs.FirstPadded + k] = matrix.Format is BlockFormat ? value : Round(matrix.Format.Name, value);
                    }
                }
            }
        }

        return expected;
    }

    private float[] Expected(PackedVector vector)
    {
        float[] expected = new float[vector.Rows * vector.PaddedLength];
        foreach (VectorSegment segment in vector.Segments)
        {
            bool isTable = segment.Parameter.Columns > 1;
            for (int row = 0; row < vector.Rows; row++)
            {
                for (int i = 0; i < segment.Count; i++)
                {
                    float value = isTable ? element(segment.Parameter, row, segment.First + i) : element(segment.Parameter, segment.First + i, 0);
                    expected[(row * vector.PaddedLength) + segment.At + i] = (float)(value + vector.Addend);
                }
            }
        }

        return expected;
    }

    /// <summary>The nearest of the two neighbours with a 16-bit upper half; the one with an even last bit where both are as near.</summary>
    private static float RoundToBF16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        float low = BitConverter.UInt32BitsToSingle(bits & 0xFFFF0000);
        float high = BitConverter.UInt32BitsToSingle((bits & 0xFFFF0000) + 0x10000);
        double toLow = Math.Abs((double)value - low);
        double toHigh = Math.Abs((double)high - value);
        return toLow < toHigh || (toLow == toHigh && (bits & 0x10000) == 0) ? low : high;
    }
}

using ModelCompiler.Compiler.Formats;
using System.Runtime.InteropServices;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>Numbers for kernels, and how far a result is from the same in double precision.</summary>
internal sealed class KernelData(int seed)
{
    private readonly Random random = new(seed);

    /// <summary>rows × stride: <paramref name="groups"/> groups of <paramref name="width"/> random numbers, <paramref name="groupStride"/> apart from column <paramref name="column"/> on; zeros between.</summary>
    public float[] Rows(int rows, int stride, int width, int groups = 1, int groupStride = 0, int column = 0, double scale = 1)
    {
        float[] values = new float[rows * stride];
        for (int row = 0; row < rows; row++)
        {
            for (int group = 0; group < groups; group++)
            {
                for (int i = 0; i < width; i++)
                {
                    values[(row * stride) + column + (group * groupStride) + i] = (float)(scale * Gaussian());
                }
            }
        }

        return values;
    }

    /// <summary>[outputs × inputs] of a matrix, zero where padded, for <see cref="Pack"/>.</summary>
    public float[] Matrix(int outputs, int inputs, int usedOutputs, int usedInputs)
        => Rows(usedOutputs, inputs, usedInputs, scale: 1 / Math.Sqrt(usedInputs)).Concat(new float[(outputs - usedOutputs) * inputs]).ToArray();

    public int[] Integers(int count, int below) => [.. Enumerable.Range(0, count).Select(_ => random.Next(below))];

    private double Gaussian() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    /// <summary>Parts [outputs × inputs] as panels that alternate, in floats' clothing whatever the format.</summary>
    public static float[] Pack(WeightFormat format, int inputs, params float[][] parts)
    {
        int outputs = parts[0].Length / inputs, padded = format.PadInputs(inputs);
        List<byte> bytes = [];
        for (int first = 0; first < outputs; first += format.PanelColumns)
        {
            int columns = Math.Min(format.PanelColumns, outputs - first);
            foreach (float[] part in parts)
            {
                byte[] panel = new byte[format.PanelBytes(padded, columns)];
                format.EncodePanel(PadRows(part.AsSpan(first * inputs, columns * inputs), inputs, padded), padded, columns, panel);
                bytes.AddRange(panel);
            }
        }

        return MemoryMarshal.Cast<byte, float>(CollectionsMarshal.AsSpan(bytes)).ToArray();
    }

    /// <summary>The inverse of <see cref="Pack"/>: [parts · outputs × inputs], part by part.</summary>
    public static float[] Unpack(WeightFormat format, int inputs, int parts, int outputs, float[] panels)
    {
        int padded = format.PadInputs(inputs);
        ReadOnlySpan<byte> bytes = MemoryMarshal.Cast<float, byte>(panels);
        float[] matrix = new float[parts * outputs * inputs];
        for (int first = 0; first < outputs; first += format.PanelColumns)
        {
            int columns = Math.Min(format.PanelColumns, outputs - first);
            int length = (int)format.PanelBytes(padded, columns);
            float[] panel = new float[columns * padded];
            for (int part = 0; part < parts; part++)
            {
                format.DecodePanel(bytes[..length], padded, columns, panel);
                bytes = bytes[length..];
                for (int c = 0; c < columns; c++)
                {
                    panel.AsSpan(c * padded, inputs).CopyTo(matrix.AsSpan(((part * outputs) + first + c) * inputs));
                }
            }
        }

        Assert.True(bytes.IsEmpty);
        return matrix;
    }

    /// <summary>‖actual − expected‖ / ‖expected‖ is below <paramref name="bound"/>.</summary>
    public static void AssertClose(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, string what, double bound = 1e-5)
    {
        Assert.Equal(expected.Length, actual.Length);
        double difference = 0, size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            size += expected[i] * expected[i];
        }

        Assert.True(size > 0, $"{what}: nothing is expected, nothing is compared.");
        double error = Math.Sqrt(difference / size);
        Assert.True(error < bound, $"{what}: relative error {error:g3}");
    }

    private static float[] PadRows(ReadOnlySpan<float> rows, int width, int padded)
    {
        float[] result = new float[rows.Length / width * padded];
        for (int row = 0; row < rows.Length / width; row++)
        {
            rows.Slice(row * width, width).CopyTo(result.AsSpan(row * padded));
        }

        return result;
    }
}

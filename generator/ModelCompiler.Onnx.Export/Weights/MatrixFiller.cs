using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ModelCompiler.Onnx.Export.Weights;

/// <summary>Writes a parameter [outputs × inputs] into memory as [inputs, outputs], blocks of outputs on several threads.</summary>
internal sealed unsafe class MatrixFiller(Parameter parameter, IParameterSource source, CancellationToken cancellation)
{
    private const int BlockRows = 64;

    private long Inputs => parameter.Columns;

    private long Outputs => parameter.Rows;

    /// <summary>As published, rounded to float32, binary16 or bfloat16.</summary>
    public void Floats(nint memory, DataType type) => InParallel((parameter.Rows + BlockRows - 1) / BlockRows, block =>
    {
        int first = block * BlockRows;
        int rows = Math.Min(BlockRows, parameter.Rows - first);
        float[] values = new float[rows * Inputs];
        source.Read(parameter, first, rows, values);
        CheckFinite(parameter, values);
        for (long k = 0; k < Inputs; k++)
        {
            for (int r = 0; r < rows; r++)
            {
                long at = (k * Outputs) + first + r;
                float value = values[(r * Inputs) + k];
                switch (type)
                {
                    case DataType.Float: ((float*)memory)[at] = value; break;
                    case DataType.Float16: ((ushort*)memory)[at] = HalfFloats.ToF16(value); break;
                    default: ((ushort*)memory)[at] = HalfFloats.ToBF16(value); break;
                }
            }
        }
    });

    /// <summary>What a format makes of the numbers, as float32.</summary>
    public void Decoded(nint memory, PackedMatrix matrix) => EachPanel(matrix, (bytes, columns, rows) =>
    {
        float[] weights = new float[columns * matrix.PaddedInputs];
        matrix.Format.DecodePanel(bytes, matrix.PaddedInputs, columns, weights);
        foreach (InputSegment segment in matrix.Inputs)
        {
            for (int k = 0; k < segment.Count; k++)
            {
                for (int r = 0; r < rows.Count; r++)
                {
                    ((float*)memory)[((segment.First + k) * Outputs) + rows.FirstRow + r]
                        = weights[((rows.FirstColumn + r) * matrix.PaddedInputs) + segment.FirstPadded + k];
                }
            }
        }
    });

    /// <summary>The integers of a block format in 8 bits, or in 4, two to a byte (the first in the low half); and their scales [groups, outputs].</summary>
    public void Integers(nint memory, PackedMatrix matrix, int bits, float[] scales)
    {
        BlockFormat format = (BlockFormat)matrix.Format;
        int groups = matrix.PaddedInputs / BlockFormat.GroupInputs;
        sbyte[] all = new sbyte[Inputs * Outputs];
        EachPanel(matrix, (bytes, columns, rows) =>
        {
            sbyte[] codes = new sbyte[columns * matrix.PaddedInputs];
            float[] panelScales = new float[columns * groups];
            format.ReadPanel(bytes, matrix.PaddedInputs, columns, codes, panelScales);
            for (int r = 0; r < rows.Count; r++)
            {
                int column = rows.FirstColumn + r, output = rows.FirstRow + r;
                for (long k = 0; k < Inputs; k++)
                {
                    all[(k * Outputs) + output] = codes[(column * matrix.PaddedInputs) + k];
                }

                for (int group = 0; group < scales.Length / Outputs; group++)
                {
                    scales[(group * Outputs) + output] = panelScales[(column * groups) + group];
                }
            }
        });
        for (long i = 0; i < all.Length; i++)
        {
            if (bits == 8)
            {
                ((sbyte*)memory)[i] = all[i];
            }
            else
            {
                ((byte*)memory)[i / 2] |= (byte)((all[i] & 15) << (int)(i % 2 * 4));
            }
        }
    }

    /// <summary>The integers of a block format, made positive, as [outputs, groups, bytes of a group]; and their scales [outputs, groups].</summary>
    public void Blobs(nint memory, PackedMatrix matrix, float[] scales)
    {
        BlockFormat format = (BlockFormat)matrix.Format;
        int inputs = matrix.PaddedInputs, groups = inputs / BlockFormat.GroupInputs, zero = 1 << (format.Bits - 1);
        EachPanel(matrix, (bytes, columns, rows) =>
        {
            sbyte[] codes = new sbyte[columns * inputs];
            float[] panelScales = new float[columns * groups];
            format.ReadPanel(bytes, inputs, columns, codes, panelScales);
            for (int r = 0; r < rows.Count; r++)
            {
                int column = rows.FirstColumn + r;
                long output = rows.FirstRow + r;
                byte* blob = (byte*)memory + (output * inputs * format.Bits / 8);
                for (int k = 0; k < inputs; k++)
                {
                    int code = codes[(column * inputs) + k] + zero;
                    blob[k * format.Bits / 8] |= (byte)(format.Bits == 8 ? code : code << (k % 2 * 4));
                }

                panelScales.AsSpan(column * groups, groups).CopyTo(scales.AsSpan((int)output * groups));
            }
        });
    }

    /// <exception cref="ModelException">One of the numbers is infinite or none.</exception>
    public static void CheckFinite(Parameter parameter, ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                throw new ModelException(Catalogue.WeightNotFinite.Create(
                    new SourceSpan(parameter.Tensor.File), $"tensor '{parameter.Tensor.Name}'", "a number that is infinite or none", "finite numbers",
                    "The file is damaged, or the model was published so: compare its hash with the published one."));
            }
        }
    }

    /// <summary>Encodes the panels that hold rows of the parameter, as packing does.</summary>
    private void EachPanel(PackedMatrix matrix, PanelUse use) => InParallel(matrix.PanelCount, panel =>
    {
        PanelRows[] own = [.. PanelGatherer.Rows(matrix, panel).Where(rows => rows.Parameter == parameter)];
        if (own.Length == 0)
        {
            return;
        }

        int columns = matrix.Columns(panel);
        float[] weights = new float[columns * matrix.PaddedInputs];
        byte[] bytes = new byte[matrix.Format.PanelBytes(matrix.PaddedInputs, columns)];
        PanelGatherer.Gather(matrix, panel, source, weights);
        CheckFinite(parameter, weights);
        matrix.Format.EncodePanel(weights, matrix.PaddedInputs, columns, bytes);
        foreach (PanelRows rows in own)
        {
            use(bytes, columns, rows);
        }
    });

    private void InParallel(int count, Action<int> work)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { CancellationToken = cancellation }, work);
        }
        catch (AggregateException faults) when (faults.InnerExceptions.OfType<ModelException>().FirstOrDefault() is { } known)
        {
            throw known;
        }
        catch (AggregateException faults) when (faults.InnerExceptions.OfType<OverflowException>().FirstOrDefault() is { } overflow)
        {
            throw new ModelException(Catalogue.WeightTooLarge.Create(
                new SourceSpan(parameter.Tensor.File), $"tensor '{parameter.Tensor.Name}'", overflow.Message, "numbers that the format can hold", "Choose f32 or bf16."));
        }
    }

    private delegate void PanelUse(ReadOnlySpan<byte> bytes, int columns, PanelRows rows);
}

using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ModelCompiler.Onnx.Export.Weights;

/// <summary>
/// Parameters as initializers: the numbers that emitted code computes with, through the codecs that packing uses. Floating-point formats are
/// stored as they are and cast to the type of activations, integers of block formats are dequantised, both by nodes that a runtime may
/// fold or fuse. Each parameter is written once.
/// </summary>
internal sealed class WeightWriter(
    ModelPlan plan, IParameterSource source, OnnxGraph graph, TensorStore store, OnnxActivations activations, IProgress<long>? progress, CancellationToken cancellation)
{
    private readonly Dictionary<Parameter, PackedMatrix> packed = PackedOf(plan.Weights);
    private readonly Dictionary<(Parameter, bool), WrittenMatrix> matrices = [];
    private readonly Dictionary<Parameter, string> activated = [];
    private readonly Dictionary<Parameter, WrittenMatrix> blobs = [];
    private readonly Dictionary<(Parameter?, int, double), string> vectors = [];

    private DataType Type => activations == OnnxActivations.F16 ? DataType.Float16 : DataType.Float;

    /// <summary>Matrices of a block format that had to be written as float32.</summary>
    public List<string> Dequantised { get; } = [];

    /// <summary>A weight matrix [inputs, outputs], in its format. Gather takes no 4-bit integers: a table of those is written in 8 bits for it, beside what products read.</summary>
    public WrittenMatrix Matrix(Parameter parameter, bool forGather = false)
    {
        PackedMatrix? matrix = packed.GetValueOrDefault(parameter);
        bool widened = forGather && matrix is { Format: BlockFormat { Bits: 4 } } && HasRowsOfGroups(matrix);
        if (!matrices.TryGetValue((parameter, widened), out WrittenMatrix? written))
        {
            written = matrix is { Format: BlockFormat format } ? WriteBlocks(parameter, matrix, widened ? 8 : format.Bits) : WriteFloats(parameter, matrix?.Format ?? F32Format.Instance);
            matrices.Add((parameter, widened), written);
            progress?.Report(store.LengthBytes);
        }

        return written;
    }

    /// <summary>Bits of a block format's integers.</summary>
    public long Bits(Parameter parameter) => ((BlockFormat)packed[parameter].Format).Bits;

    /// <summary>
    /// A weight matrix of a block format as [outputs, groups, bytes of a group]: integers above 0, two of 4 bits to a byte (the first in the low half); scales [outputs, groups] in the
    /// type of activations. Null where the format is another, or groups do not lie in a row.
    /// </summary>
    public WrittenMatrix? Blobs(Parameter parameter)
    {
        if (packed.GetValueOrDefault(parameter) is not { Format: BlockFormat format } matrix || !HasRowsOfGroups(matrix))
        {
            return null;
        }

        if (!blobs.TryGetValue(parameter, out WrittenMatrix? written))
        {
            long groups = matrix.PaddedInputs / BlockFormat.GroupInputs, groupBytes = BlockFormat.GroupInputs * format.Bits / 8;
            string name = graph.Unique($"{parameter.Name}.blobs"), scales = graph.Unique($"{parameter.Name}.blobScales");
            float[] scaleValues = new float[groups * parameter.Rows];
            store.Add(
                name, DataType.Uint8, [parameter.Rows, groups, groupBytes], parameter.Rows * groups * groupBytes,
                memory => new MatrixFiller(parameter, source, cancellation).Blobs(memory, matrix, scaleValues));
            WriteActivations(scales, [parameter.Rows, groups], scaleValues);
            blobs.Add(parameter, written = new WrittenMatrix(name, DataType.Uint8, scales));
            progress?.Report(store.LengthBytes);
        }

        return written;
    }

    /// <summary>A weight matrix [inputs, outputs] in the type of activations.</summary>
    public string Activated(Parameter parameter)
    {
        if (!activated.TryGetValue(parameter, out string? name))
        {
            WrittenMatrix matrix = Matrix(parameter);
            name = matrix.Scales is null ? ToActivations(matrix.Name, matrix.Type) : Dequantise($"{matrix.Name}.dequantised", matrix.Name, matrix.Scales);
            activated.Add(parameter, name);
        }

        return name;
    }

    /// <summary>Integers times the scale of each 32 along the first axis, in the type of activations; runtimes can fuse this and the product behind it.</summary>
    private string Dequantise(string name, string integers, string scales)
        => ToActivations(
            graph.Node("DequantizeLinear", name, [integers, scales], OnnxGraph.Attribute("axis", 0L), OnnxGraph.Attribute("block_size", (long)BlockFormat.GroupInputs)),
            DataType.Float);

    /// <summary>Numbers of another type in the type of activations.</summary>
    public string ToActivations(string name, DataType type) => type == Type ? name : graph.Cast($"{name}.cast", name, Type);

    /// <summary>A table [rows, columns] that is never packed in a format, such as learned positions.</summary>
    public string Table(Parameter parameter) => Vector(parameter, parameter.Rows * parameter.Columns, 0, [parameter.Rows, parameter.Columns]);

    /// <summary>A vector, with <paramref name="addend"/> added in double precision; ones where there is none.</summary>
    public string Vector(Parameter? parameter, int length, double addend) => Vector(parameter, length, addend, [length]);

    /// <summary>cos and sin of position · frequency, times the attention factor, [positions, pairs].</summary>
    public (string Cos, string Sin) Rotary(int index, RopeTable table, int positions)
    {
        int pairs = table.InverseFrequencies.Count;
        string Write(string what, Func<double, double> function)
        {
            float[] values = new float[checked(positions * pairs)];
            Parallel.For(0, positions, new ParallelOptions { CancellationToken = cancellation }, position =>
            {
                for (int pair = 0; pair < pairs; pair++)
                {
                    values[(position * pairs) + pair] = (float)(function(position * table.InverseFrequencies[pair]) * table.AttentionFactor);
                }
            });
            string name = graph.Unique($"rotary.{index}.{what}");
            WriteActivations(name, [positions, pairs], values);
            return name;
        }

        return (Write("cos", Math.Cos), Write("sin", Math.Sin));
    }

    private static Dictionary<Parameter, PackedMatrix> PackedOf(PackedWeights layout)
    {
        Dictionary<Parameter, PackedMatrix> matrices = [];
        foreach (PackedMatrix matrix in layout.Matrices)
        {
            foreach (OutputSegment segment in matrix.Parts.SelectMany(part => part.Outputs))
            {
                matrices[segment.Parameter] = matrix;
            }
        }

        return matrices;
    }

    private string Vector(Parameter? parameter, int length, double addend, long[] shape)
    {
        if (!vectors.TryGetValue((parameter, length, addend), out string? name))
        {
            float[] values = new float[length];
            if (parameter is null)
            {
                values.AsSpan().Fill(1);
            }
            else
            {
                source.Read(parameter, 0, parameter.Rows, values);
                MatrixFiller.CheckFinite(parameter, values);
                for (int i = 0; addend != 0 && i < length; i++)
                {
                    values[i] = (float)(values[i] + addend);
                }
            }

            name = graph.Unique(parameter?.Name ?? $"ones.{length}");
            WriteActivations(name, shape, values);
            vectors.Add((parameter, length, addend), name);
        }

        return name;
    }

    private void WriteActivations(string name, long[] shape, float[] values)
    {
        cancellation.ThrowIfCancellationRequested();
        byte[] bytes = Type == DataType.Float
            ? MemoryMarshal.AsBytes(values.AsSpan()).ToArray()
            : MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()).ToArray();
        store.Add(name, Type, shape, bytes.Length, memory => Marshal.Copy(bytes, 0, memory, bytes.Length));
    }

    private WrittenMatrix WriteFloats(Parameter parameter, WeightFormat format)
    {
        DataType type = format switch
        {
            F16Format => DataType.Float16,
            BF16Format => DataType.Bfloat16,
            _ => DataType.Float,
        };
        string name = graph.Unique(parameter.Name);
        long elements = (long)parameter.Rows * parameter.Columns;
        store.Add(
            name, type, [parameter.Columns, parameter.Rows], elements * (type == DataType.Float ? 4 : 2),
            memory => new MatrixFiller(parameter, source, cancellation).Floats(memory, type));
        return new WrittenMatrix(name, type);
    }

    /// <summary>False where the packed row has gaps between its heads and groups run across them, so that no 32 neighbours share a scale.</summary>
    private static bool HasRowsOfGroups(PackedMatrix matrix) => matrix.Inputs.Count == 1 && matrix.Inputs[0].FirstPadded == 0;

    private WrittenMatrix WriteBlocks(Parameter parameter, PackedMatrix matrix, int bits)
    {
        (long inputs, long outputs) = (parameter.Columns, parameter.Rows);
        MatrixFiller filler = new(parameter, source, cancellation);
        string name = graph.Unique(parameter.Name);
        if (!HasRowsOfGroups(matrix))
        {
            Dequantised.Add(parameter.Name);
            store.Add(name, DataType.Float, [inputs, outputs], 4 * inputs * outputs, memory => filler.Decoded(memory, matrix));
            return new WrittenMatrix(name, DataType.Float);
        }

        DataType type = bits == 4 ? DataType.Int4 : DataType.Int8;
        long groups = (inputs + BlockFormat.GroupInputs - 1) / BlockFormat.GroupInputs;
        string scales = graph.Unique($"{parameter.Name}.scales");
        float[] scaleValues = new float[groups * outputs];
        store.Add(name, type, [inputs, outputs], ((inputs * outputs * bits) + 7) / 8, memory => filler.Integers(memory, matrix, bits, scaleValues));
        store.Add(scales, DataType.Float, [groups, outputs], 4 * groups * outputs, memory => Marshal.Copy(scaleValues, 0, memory, scaleValues.Length));
        return new WrittenMatrix(name, type, scales);
    }
}

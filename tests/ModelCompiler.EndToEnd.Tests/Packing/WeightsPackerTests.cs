using System.Runtime.InteropServices;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Packing;

namespace ModelCompiler.EndToEnd.Tests.Packing;

/// <summary>Every number of a packed file is the published number, rounded as the format says, at the place that the layout says.</summary>
public class WeightsPackerTests
{
    private readonly MemoryTensors tensors = new();

    public static TheoryData<string> Formats => [.. WeightFormat.All.Select(format => format.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void EveryMatrixHoldsItsRoundedNumbers(string formatName)
    {
        LayoutBuilder builder = new(WeightFormat.Find(formatName)!);
        builder.AddDense(tensors.Matrix("narrow", 16, 16));
        builder.AddDense(tensors.Matrix("odd", 97, 40));
        builder.AddDense(Transposed("conv", 64, 40, tensorOutputs: 64, firstRow: 0));
        builder.AddDense(Transposed("fused", 40, 40, tensorOutputs: 120, firstRow: 40));
        builder.AddDense(new Parameter("sliced", 70, 24, tensors.Add("slices", 200, 24), FirstRow: 30));
        builder.AddDense(tensors.Matrix("gate", 172, 64), tensors.Matrix("up", 172, 64));
        builder.AddDense(tensors.Matrix("gate128", 128, 33), tensors.Matrix("up128", 128, 33));
        builder.AddHeadsOfOutputs(tensors.Matrix("queries", 100, 100), headDim: 20, stride: 32);
        builder.AddHeadsOfInputs(tensors.Matrix("output", 100, 100), headDim: 20, stride: 32);
        builder.AddDense(tensors.Matrix("large", 3000, 500));

        byte[] packed = Pack(builder.Layout);

        new PackedFileCheck(tensors.Element, packed).CheckMatrices(builder.Layout);
    }

    [Fact]
    public void VectorsAreGatheredWithTheirAddendAndTablesRowByRow()
    {
        LayoutBuilder builder = new(F32Format.Instance);
        Parameter a = tensors.Vector("a", 20);
        Parameter b = tensors.Vector("b", 20);
        Parameter table = tensors.Matrix("table", 2000, 40);
        builder.AddVector(1, 80, 1, new VectorSegment(a, 0, 20, 0), new VectorSegment(b, 10, 10, 32));
        builder.AddVector(1, 16, 0, new VectorSegment(a, 4, 3, 0));
        builder.AddVector(2000, 48, 0, new VectorSegment(table, 0, 20, 0), new VectorSegment(table, 20, 20, 24));

        byte[] packed = Pack(builder.Layout);
        ReadOnlySpan<float> Row(int vector, int row) => MemoryMarshal.Cast<byte, float>(packed)
            .Slice((int)(builder.Layout.Vectors[vector].OffsetBytes / 4) + (row * builder.Layout.Vectors[vector].PaddedLength), builder.Layout.Vectors[vector].PaddedLength);

        for (int i = 0; i < 80; i++)
        {
            double expected = i < 20 ? tensors["a"][i] + 1.0 : i is >= 32 and < 42 ? tensors["b"][i - 22] + 1.0 : 0;
            Assert.Equal((float)expected, Row(0, 0)[i]);
        }

        Assert.Equal(tensors["a"][4..7], Row(1, 0)[..3]);
        for (int row = 0; row < 2000; row++)
        {
            Assert.Equal(tensors["table"].AsSpan(row * 40, 20), Row(2, row)[..20]);
            Assert.Equal(tensors["table"].AsSpan((row * 40) + 20, 20), Row(2, row)[24..44]);
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void RoundedParametersAreWhatThePackedFileHolds(string formatName)
    {
        WeightFormat format = WeightFormat.Find(formatName)!;
        LayoutBuilder builder = new(format);
        Parameter gate = tensors.Matrix("gate", 172, 64);
        Parameter fused = Transposed("fused", 40, 100, tensorOutputs: 120, firstRow: 40);
        Parameter vector = tensors.Vector("norm", 33);
        builder.AddDense(gate, tensors.Matrix("up", 172, 64));
        builder.AddHeadsOfInputs(fused, headDim: 20, stride: 32);

        RoundedParameters rounded = new(builder.Layout, new PublishedParameters(tensors));

        foreach (Parameter parameter in format is BlockFormat ? [gate] : new[] { gate, fused })
        {
            float[] values = new float[7 * parameter.Columns];
            rounded.Read(parameter, 30, 7, values);
            if (format is BlockFormat blocks)
            {
                float[] published = [.. values.Select((_, i) => tensors.Element(parameter, 30 + (i / parameter.Columns), i % parameter.Columns))];
                PackedFileCheck.AssertRounded(blocks, published, values, parameter.Name);
            }

            for (int i = 0; i < values.Length && format is not BlockFormat; i++)
            {
                Assert.Equal(PackedFileCheck.Round(formatName, tensors.Element(parameter, 30 + (i / parameter.Columns), i % parameter.Columns)), values[i]);
            }
        }

        float[] unchanged = new float[33];
        rounded.Read(vector, 0, 33, unchanged);
        Assert.Equal(tensors["norm"], unchanged);
    }

    [Fact]
    public void ProgressReachesTheLengthAndCancellationStops()
    {
        LayoutBuilder builder = new(F32Format.Instance);
        builder.AddDense(tensors.Matrix("large", 3000, 700));
        List<long> reports = [];
        WeightsPacker.Pack(builder.Layout, new PublishedParameters(tensors), _ => { }, progress: new Reports(reports.Add));
        Assert.Equal(builder.Layout.LengthBytes, reports[^1]);
        Assert.Equal(reports.Order(), reports);

        using CancellationTokenSource cancelled = new();
        Reports cancel = new(_ => cancelled.Cancel());
        Assert.Throws<OperationCanceledException>(
            () => WeightsPacker.Pack(builder.Layout, new PublishedParameters(tensors), _ => { }, progress: cancel, cancellation: cancelled.Token));
    }

    [Fact]
    public void ANumberThatF16CannotHoldIsNamed()
    {
        Parameter fused = Transposed("fused", 40, 40, tensorOutputs: 120, firstRow: 40);
        tensors["fused"][(33 * 120) + 40 + 38] = -70000;
        LayoutBuilder builder = new(F16Format.Instance);
        builder.AddHeadsOfOutputs(fused, headDim: 20, stride: 32);
        ModelDiagnostic fault = Assert.Throws<ModelException>(() => Pack(builder.Layout)).Diagnostic;
        Assert.Equal("MC211", fault.Rule.Id);
        Assert.Contains("'fused' at [33, 78]: found -70000", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.NegativeInfinity, "-Infinity")]
    public void ANumberThatIsNotFiniteIsNamed(float value, string text)
    {
        Parameter matrix = tensors.Matrix("m", 200, 100);
        Parameter vector = tensors.Vector("v", 50);
        LayoutBuilder matrices = new(F32Format.Instance);
        matrices.AddHeadsOfInputs(matrix, headDim: 20, stride: 32);
        LayoutBuilder vectors = new(F32Format.Instance);
        vectors.AddVector(1, 64, 1, new VectorSegment(vector, 20, 30, 8));

        tensors["m"][(150 * 100) + 99] = value;
        tensors["m"][(199 * 100) + 5] = value;
        tensors["v"][49] = value;

        ModelDiagnostic inMatrix = Assert.Throws<ModelException>(() => Pack(matrices.Layout)).Diagnostic;
        Assert.Equal("MC210", inMatrix.Rule.Id);
        Assert.Contains($"'m' at [150, 99]: found {text}", inMatrix.Message, StringComparison.Ordinal);
        ModelDiagnostic inVector = Assert.Throws<ModelException>(() => Pack(vectors.Layout)).Diagnostic;
        Assert.Contains($"'v' at [49]: found {text}", inVector.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFullDiskIsTold()
    {
        LayoutBuilder builder = new(F32Format.Instance);
        builder.AddDense(tensors.Matrix("large", 3000, 1500));
        long written = 0;
        void WriteSome(ReadOnlySpan<byte> bytes)
        {
            written += bytes.Length;
            throw new IOException("no space left");
        }

        Assert.Throws<IOException>(() => WeightsPacker.Pack(builder.Layout, new PublishedParameters(tensors), WriteSome));
        Assert.InRange(written, 1, builder.Layout.LengthBytes - 1);
    }

    [Fact]
    public void ALayoutWithAHoleIsRefused()
    {
        LayoutBuilder builder = new(F32Format.Instance);
        builder.AddDense(tensors.Matrix("a", 16, 16));
        Assert.Throws<InvalidOperationException>(() => Pack(builder.Layout with { LengthBytes = builder.Layout.LengthBytes + 64 }));
        Assert.Throws<InvalidOperationException>(() => Pack(builder.Layout with { LengthBytes = builder.Layout.LengthBytes - 1 }));
    }

    private Parameter Transposed(string name, int rows, int columns, int tensorOutputs, int firstRow)
        => new(name, rows, columns, tensors.Add(name, columns, tensorOutputs), Transposed: true, firstRow);

    private byte[] Pack(PackedWeights layout)
    {
        using MemoryStream stream = new();
        WeightsPacker.Pack(layout, new PublishedParameters(tensors), stream.Write);
        Assert.Equal(layout.LengthBytes, stream.Length);
        return stream.ToArray();
    }

    private sealed class Reports(Action<long> action) : IProgress<long>
    {
        public void Report(long value) => action(value);
    }
}

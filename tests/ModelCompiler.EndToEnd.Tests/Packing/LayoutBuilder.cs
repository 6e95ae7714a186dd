using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.EndToEnd.Tests.Packing;

/// <summary>Lays parameters out one after another, without the planner.</summary>
internal sealed class LayoutBuilder(WeightFormat format)
{
    private readonly List<PackedMatrix> matrices = [];
    private readonly List<PackedVector> vectors = [];
    private long end;

    public PackedWeights Layout => new(matrices.ToEquatable(), vectors.ToEquatable(), end);

    /// <summary>A part for each of <paramref name="parts"/>, outputs and inputs dense.</summary>
    public void AddDense(params Parameter[] parts) => Add(
        [.. parts.Select(part => new MatrixPart(new[] { new OutputSegment(part, 0, part.Rows, 0) }.ToEquatable()))],
        [new InputSegment(0, parts[0].Columns, 0)], parts[0].Columns, parts[0].Rows);

    /// <summary>Heads of outputs spread to a stride of <paramref name="stride"/>.</summary>
    public void AddHeadsOfOutputs(Parameter parameter, int headDim, int stride) => Add(
        [new MatrixPart(Heads(parameter.Rows, headDim).Select(h => new OutputSegment(parameter, h * headDim, headDim, h * stride)).ToEquatable())],
        [new InputSegment(0, parameter.Columns, 0)], parameter.Columns, parameter.Rows / headDim * stride);

    /// <summary>Heads of inputs spread to a stride of <paramref name="stride"/>.</summary>
    public void AddHeadsOfInputs(Parameter parameter, int headDim, int stride) => Add(
        [new MatrixPart(new[] { new OutputSegment(parameter, 0, parameter.Rows, 0) }.ToEquatable())],
        [.. Heads(parameter.Columns, headDim).Select(h => new InputSegment(h * headDim, headDim, h * stride))],
        parameter.Columns / headDim * stride, parameter.Rows);

    public void AddVector(int rows, int paddedLength, double addend, params VectorSegment[] segments)
    {
        PackedVector vector = new($"vector {vectors.Count}", segments.ToEquatable(), rows, paddedLength, addend, end);
        vectors.Add(vector);
        end = (end + vector.LengthBytes + 63) & ~63L;
    }

    private void Add(MatrixPart[] parts, InputSegment[] inputs, int inputCount, int outputCount)
    {
        PackedMatrix matrix = new(
            $"matrix {matrices.Count}", format, parts.ToEquatable(), inputs.ToEquatable(), format.PadInputs(inputCount), (outputCount + 15) & ~15, end);
        matrices.Add(matrix);
        end += matrix.LengthBytes;
    }

    private static IEnumerable<int> Heads(int width, int headDim) => Enumerable.Range(0, width / headDim);
}

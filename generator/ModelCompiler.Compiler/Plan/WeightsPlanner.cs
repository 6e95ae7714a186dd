using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>Lays matrices and vectors out in the packed file in the order in which they are first read, each at a multiple of 64 bytes.</summary>
internal sealed class WeightsPlanner
{
    private const int AlignmentBytes = 64;

    private readonly List<PackedMatrix> matrices = [];
    private readonly List<PackedVector> vectors = [];
    private readonly Dictionary<(EquatableArray<MatrixPart>, EquatableArray<InputSegment>), PackedMatrix> known = [];
    private readonly Dictionary<(EquatableArray<VectorSegment>, int Rows, double Addend), PackedVector> knownVectors = [];
    private readonly bool isFinished;
    private long next;

    /// <summary>An empty layout.</summary>
    public WeightsPlanner()
    {
    }

    /// <summary>A layout that is there already, in which everything that is asked for must lie.</summary>
    public WeightsPlanner(PackedWeights finished)
    {
        foreach (PackedMatrix matrix in finished.Matrices)
        {
            known.Add((matrix.Parts, matrix.Inputs), matrix);
        }

        foreach (PackedVector vector in finished.Vectors)
        {
            knownVectors.Add((vector.Segments, vector.Rows, vector.Addend), vector);
        }

        isFinished = true;
    }

    public PackedWeights Finish() => new(matrices.ToEquatable(), vectors.ToEquatable(), next);

    /// <summary>A matrix of <paramref name="parts"/>; the same parts over the same input are stored once (tied weights).</summary>
    public PackedMatrix Matrix(WeightFormat format, IReadOnlyList<MatrixPart> parts, int paddedOutputs, IReadOnlyList<InputSegment> inputs, int paddedInputs)
    {
        EquatableArray<MatrixPart> partArray = parts.ToEquatable();
        EquatableArray<InputSegment> inputArray = inputs.ToEquatable();
        if (!known.TryGetValue((partArray, inputArray), out PackedMatrix? matrix))
        {
            ThrowIfFinished(parts[0].Outputs[0].Parameter);
            string name = string.Join(" | ", parts.SelectMany(part => part.Outputs).Select(segment => segment.Parameter.Name).Distinct());
            matrix = new PackedMatrix(name, format, partArray, inputArray, format.PadInputs(paddedInputs), paddedOutputs, next);
            known.Add((partArray, inputArray), matrix);
            matrices.Add(matrix);
            Advance(matrix.LengthBytes);
        }

        return matrix;
    }

    /// <summary>A vector, or a table that is read row by row; the same segments are stored once.</summary>
    public PackedVector Vector(string name, IReadOnlyList<VectorSegment> segments, int rows, int paddedLength, double addend = 0)
    {
        EquatableArray<VectorSegment> segmentArray = segments.ToEquatable();
        if (!knownVectors.TryGetValue((segmentArray, rows, addend), out PackedVector? vector))
        {
            ThrowIfFinished(segments[0].Parameter);
            vector = new PackedVector(name, segmentArray, rows, paddedLength, addend, next);
            knownVectors.Add((segmentArray, rows, addend), vector);
            vectors.Add(vector);
            Advance(vector.LengthBytes);
        }

        return vector;
    }

    /// <summary>A matrix of several parts, of which <paramref name="part"/> over these inputs is one, and which one; null: there is none.</summary>
    public (PackedMatrix Matrix, int Part)? PartOf(MatrixPart part, IReadOnlyList<InputSegment> inputs)
    {
        EquatableArray<InputSegment> inputArray = inputs.ToEquatable();
        foreach (PackedMatrix matrix in known.Values.Where(matrix => matrix.Parts.Count > 1 && matrix.Inputs.Equals(inputArray)))
        {
            for (int i = 0; i < matrix.Parts.Count; i++)
            {
                if (matrix.Parts[i].Equals(part))
                {
                    return (matrix, i);
                }
            }
        }

        return null;
    }

    /// <summary>The vector that holds a parameter, and its element where that begins.</summary>
    public (PackedVector Vector, int At) VectorOf(Parameter parameter)
    {
        PackedVector? vector = knownVectors.Values.FirstOrDefault(vector => vector.Segments.Any(segment => segment.Parameter == parameter));
        return vector is null
            ? throw new UnsupportedOperationException($"that reads '{parameter.Name}', which is not there")
            : (vector, vector.Segments.First(segment => segment.Parameter == parameter).At);
    }

    /// <summary>Rows of <paramref name="weight"/> as the columns of a slot, from column <paramref name="first"/> on.</summary>
    public static IEnumerable<OutputSegment> Outputs(Parameter weight, Groups groups, int first = 0)
    {
        if (groups.Width == groups.Stride)
        {
            yield return new OutputSegment(weight, 0, groups.Count * groups.Width, first);
            yield break;
        }

        for (int group = 0; group < groups.Count; group++)
        {
            yield return new OutputSegment(weight, group * groups.Width, groups.Width, first + (group * groups.Stride));
        }
    }

    /// <summary>The inputs of a matrix that reads a slot.</summary>
    public static IReadOnlyList<InputSegment> Inputs(Groups groups)
        => groups.Width == groups.Stride
            ? [new InputSegment(0, groups.Count * groups.Width, 0)]
            : [.. Enumerable.Range(0, groups.Count).Select(group => new InputSegment(group * groups.Width, groups.Width, group * groups.Stride))];

    /// <summary>Elements of a bias as the columns of a slot.</summary>
    public static IEnumerable<VectorSegment> Elements(Parameter vector, Groups groups, int first = 0)
        => Outputs(vector, groups, first).Select(segment => new VectorSegment(vector, segment.FirstRow, segment.Count, segment.FirstColumn));

    private void ThrowIfFinished(Parameter parameter)
    {
        if (isFinished)
        {
            throw new UnsupportedOperationException($"that reads '{parameter.Name}' in another layout than inference");
        }
    }

    private void Advance(long bytes) => next += (bytes + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
}

/// <summary>How a width is laid out: <paramref name="Count"/> groups of <paramref name="Width"/>, <paramref name="Stride"/> apart.</summary>
internal readonly record struct Groups(int Count, int Width, int Stride)
{
    public static Groups Of(Slot slot) => new(slot.Groups, slot.GroupWidth, slot.GroupStride);

    public static Groups Whole(int width) => new(1, width, ArenaPlanner.Pad(width));

    public int PaddedWidth => Count * Stride;
}

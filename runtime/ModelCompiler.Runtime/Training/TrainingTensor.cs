namespace ModelCompiler.Runtime.Training;

/// <summary>A trained tensor, as it is published, and where its numbers lie among the packed parameters. Every number lies in exactly one place.</summary>
/// <param name="Name">Its published name.</param>
/// <param name="Shape">Its published shape: one or two dimensions.</param>
/// <param name="Transposed">Published as [inputs × outputs] (GPT-2's Conv1D) instead of [outputs × inputs].</param>
/// <param name="Segments">Its parts.</param>
/// <param name="Addend">What was added to each number when it was packed (1 for norms that are published minus one).</param>
public sealed record TrainingTensor(string Name, IReadOnlyList<int> Shape, bool Transposed, IReadOnlyList<TensorSegment> Segments, double Addend = 0)
{
    /// <summary>Numbers of the tensor.</summary>
    public long Length => Shape.Aggregate(1L, (length, size) => length * size);

    /// <summary>Whether weight decay applies: to matrices and tables, and not to norms and biases.</summary>
    public bool Decays => Shape.Count > 1;

    /// <summary>Numbers of a row: of one index of the published tensor's first dimension.</summary>
    internal int RowLength => Shape.Count == 1 ? 1 : Shape[1];

    /// <summary>Copies published rows from <paramref name="firstRow"/> on, as many as <paramref name="rows"/> holds, out of memory that is laid out as the segments tell.</summary>
    internal unsafe void Gather(float* packed, int firstRow, Span<float> rows, double addend)
    {
        (long outputStride, long inputStride) = Strides;
        foreach (TensorSegment segment in Segments)
        {
            ((int firstOutput, int endOutput), (int firstInput, int endInput)) = Part(segment, firstRow, rows.Length / RowLength);
            for (int output = firstOutput; output < endOutput; output++)
            {
                (long first, int stride) = segment.Locate(output - segment.FirstOutput);
                long at = (output * outputStride) - ((long)firstRow * RowLength);
                for (int input = firstInput; input < endInput; input++)
                {
                    float number = packed[first + ((long)(input - segment.FirstInput) * stride)];
                    rows[(int)(at + (input * inputStride))] = addend == 0 ? number : (float)(number - addend);
                }
            }
        }
    }

    /// <summary>The opposite of <see cref="Gather"/>.</summary>
    internal unsafe void Scatter(ReadOnlySpan<float> rows, int firstRow, float* packed, double addend)
    {
        (long outputStride, long inputStride) = Strides;
        foreach (TensorSegment segment in Segments)
        {
            ((int firstOutput, int endOutput), (int firstInput, int endInput)) = Part(segment, firstRow, rows.Length / RowLength);
            for (int output = firstOutput; output < endOutput; output++)
            {
                (long first, int stride) = segment.Locate(output - segment.FirstOutput);
                long at = (output * outputStride) - ((long)firstRow * RowLength);
                for (int input = firstInput; input < endInput; input++)
                {
                    float number = rows[(int)(at + (input * inputStride))];
                    packed[first + ((long)(input - segment.FirstInput) * stride)] = addend == 0 ? number : (float)(number + addend);
                }
            }
        }
    }

    /// <summary>Outputs and inputs of the tensor that lie in a segment and in some published rows; ends exclusive, and not above the beginnings where there are none.</summary>
    private ((int First, int End) Outputs, (int First, int End) Inputs) Part(TensorSegment segment, int firstRow, int rows)
    {
        (int First, int End) outputs = (segment.FirstOutput, segment.FirstOutput + segment.Outputs);
        (int First, int End) inputs = (segment.FirstInput, segment.FirstInput + segment.Inputs);
        return Transposed && Shape.Count > 1 ? (outputs, Common(inputs)) : (Common(outputs), inputs);

        (int First, int End) Common((int First, int End) span) => (Math.Max(span.First, firstRow), Math.Min(span.End, firstRow + rows));
    }

    /// <summary>Floats between two outputs, and between two inputs, of the published tensor.</summary>
    internal (long Output, long Input) Strides => Shape.Count == 1 ? (1, 1) : Transposed ? (1, Shape[1]) : (Shape[1], 1);
}

/// <summary>
/// A block of a published tensor, in the orientation of the operations: outputs FirstOutput … + Outputs − 1 and inputs FirstInput … + Inputs − 1.
/// A vector's elements are its outputs; it has one input.
/// </summary>
public abstract record TensorSegment(int FirstOutput, int Outputs, int FirstInput, int Inputs)
{
    /// <summary>Where the numbers of an output lie, in floats from the beginning of the parameters: input i (from FirstInput on) at First + i · Stride.</summary>
    internal abstract (long First, int Stride) Locate(int output);
}

/// <summary>Rows of plain floats: output o (from FirstOutput on) at Offset + o · Stride, its inputs one behind the other.</summary>
public sealed record RowSegment(int FirstOutput, int Outputs, int FirstInput, int Inputs, long Offset, int Stride) : TensorSegment(FirstOutput, Outputs, FirstInput, Inputs)
{
    /// <inheritdoc/>
    internal override (long First, int Stride) Locate(int output) => (Offset + ((long)output * Stride), 1);
}

/// <summary>Panels of 64 outputs ([inputs × 64], the last one narrower), those of several parts alternating.</summary>
/// <param name="FirstOutput">Of the tensor.</param>
/// <param name="Outputs">Of the tensor.</param>
/// <param name="FirstInput">Of the tensor.</param>
/// <param name="Inputs">Of the tensor.</param>
/// <param name="Matrix">The packed matrix that it is a part of.</param>
/// <param name="Part">Which of its parts.</param>
/// <param name="Column">Where FirstOutput lies among that part's outputs.</param>
/// <param name="Input">Where FirstInput lies among the packed inputs.</param>
public sealed record PanelSegment(int FirstOutput, int Outputs, int FirstInput, int Inputs, PanelMatrix Matrix, int Part, int Column, int Input)
    : TensorSegment(FirstOutput, Outputs, FirstInput, Inputs)
{
    /// <inheritdoc/>
    internal override (long First, int Stride) Locate(int output)
    {
        (long first, int stride) = Matrix.Locate(Part, Column + output);
        return (first + ((long)Input * stride), stride);
    }
}

/// <summary>A packed matrix.</summary>
/// <param name="Offset">Of its first panel, in floats from the beginning of the parameters.</param>
/// <param name="Inputs">Padded inputs.</param>
/// <param name="Outputs">Padded outputs of each part: a multiple of 16.</param>
/// <param name="Parts">Parts, whose panels alternate.</param>
public sealed record PanelMatrix(long Offset, int Inputs, int Outputs, int Parts = 1)
{
    /// <summary>Outputs of a panel.</summary>
    public const int PanelOutputs = 64;

    /// <summary>Where output <paramref name="output"/> of a part begins, and the floats between its inputs.</summary>
    internal (long First, int Stride) Locate(int part, int output)
    {
        int panel = output / PanelOutputs, narrow = Outputs % PanelOutputs;
        int stride = panel == Outputs / PanelOutputs ? narrow : PanelOutputs;
        long before = ((long)panel * Parts * PanelOutputs) + ((long)part * stride);
        return (Offset + (before * Inputs) + (output % PanelOutputs), stride);
    }
}

/// <summary>Floats First … First + Length − 1 of the parameters, all of which decay or none.</summary>
/// <param name="First">A multiple of 16.</param>
/// <param name="Length">A multiple of 16.</param>
/// <param name="Decays">Whether weight decay applies. Padding counts with what it follows: it is zero and stays so.</param>
internal readonly record struct ParameterRange(long First, long Length, bool Decays);

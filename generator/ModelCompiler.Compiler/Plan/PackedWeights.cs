using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// What lies where in the packed weights file: decided here, followed by packing, emission and reference alike.
/// Offsets count from the start of the file's data section and are multiples of 64.
/// </summary>
/// <param name="Matrices">Every matrix, in the order of the file.</param>
/// <param name="Vectors">Every vector (norm weights, biases) and learned position table: plain float32.</param>
/// <param name="LengthBytes">Length of the data section.</param>
public sealed record PackedWeights(EquatableArray<PackedMatrix> Matrices, EquatableArray<PackedVector> Vectors, long LengthBytes);

/// <summary>
/// One or more parameters with the same inputs, laid side by side in panels of <see cref="WeightFormat.PanelColumns"/> outputs.
/// With several <paramref name="Parts"/> (gate and up) panels alternate: panel p belongs to part p mod parts, and covers that
/// part's columns from (p / parts) · PanelColumns on. All parts have the same padded width.
/// </summary>
/// <param name="Name">Unique in the file; for messages.</param>
/// <param name="Format">The codec.</param>
/// <param name="Parts">Outputs, part by part.</param>
/// <param name="Inputs">Which source input each padded input is; gaps are zero.</param>
/// <param name="PaddedInputs">Multiple of 16.</param>
/// <param name="PaddedOutputs">Of each part: multiple of 16.</param>
/// <param name="OffsetBytes">Of panel 0.</param>
public sealed record PackedMatrix(
    string Name, WeightFormat Format, EquatableArray<MatrixPart> Parts, EquatableArray<InputSegment> Inputs,
    int PaddedInputs, int PaddedOutputs, long OffsetBytes)
{
    /// <summary>Panels of all parts together.</summary>
    public int PanelCount => Parts.Count * ((PaddedOutputs + Format.PanelColumns - 1) / Format.PanelColumns);

    /// <summary>Bytes of a full panel; panel p begins at OffsetBytes + p · this, the narrow last ones too, except that with two parts the last panel follows the narrow one before it.</summary>
    public long FullPanelBytes => Format.PanelBytes(PaddedInputs, Format.PanelColumns);

    /// <summary>Outputs of panel <paramref name="panel"/>.</summary>
    public int Columns(int panel) => Math.Min(Format.PanelColumns, PaddedOutputs - (panel / Parts.Count * Format.PanelColumns));

    /// <summary>Where panel <paramref name="panel"/> begins, from the start of the data section.</summary>
    public long PanelOffsetBytes(int panel)
    {
        int full = PanelCount - (TailColumns == 0 ? 0 : Parts.Count);
        return panel <= full
            ? OffsetBytes + (panel * FullPanelBytes)
            : OffsetBytes + (full * FullPanelBytes) + ((panel - full) * Format.PanelBytes(PaddedInputs, TailColumns));
    }

    /// <summary>Outputs of the narrow last panel of each part; 0 when all are full.</summary>
    public int TailColumns => PaddedOutputs % Format.PanelColumns;

    /// <summary>Bytes of all panels.</summary>
    public long LengthBytes => PanelOffsetBytes(PanelCount) - OffsetBytes;
}

/// <summary>The outputs of a part of a packed matrix; gaps between segments are zero.</summary>
public sealed record MatrixPart(EquatableArray<OutputSegment> Outputs);

/// <summary>Rows FirstRow … FirstRow + Count − 1 of <paramref name="Parameter"/> become columns FirstColumn … of the part.</summary>
public sealed record OutputSegment(Parameter Parameter, int FirstRow, int Count, int FirstColumn);

/// <summary>Source inputs First … First + Count − 1 become padded inputs FirstPadded ….</summary>
public sealed record InputSegment(int First, int Count, int FirstPadded);

/// <summary>
/// <paramref name="Rows"/> rows of <paramref name="PaddedLength"/> float32 (a vector has one row; a learned position table has
/// one for each position), gathered from parameters; gaps are zero. <paramref name="Addend"/> is added to every number taken from a
/// parameter (1 for norms that are published minus one), in double precision before rounding to float32.
/// </summary>
public sealed record PackedVector(
    string Name, EquatableArray<VectorSegment> Segments, int Rows, int PaddedLength, double Addend, long OffsetBytes)
{
    /// <summary>Bytes, without the padding to 64 that follows.</summary>
    public long LengthBytes => 4L * Rows * PaddedLength;
}

/// <summary>
/// Elements First … First + Count − 1 of each row of <paramref name="Parameter"/> become elements At … of the packed row.
/// For a vector parameter (Columns = 1) its Rows are the elements; for a table, its Columns are.
/// </summary>
public sealed record VectorSegment(Parameter Parameter, int First, int Count, int At);

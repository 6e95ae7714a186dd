using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// The identity of a packed layout: SHA-256 over a text that names every piece, where it lies and how it is encoded. Two plans of the same
/// hash read the same file alike.
/// </summary>
internal static class PlanHash
{
    // Raised when kernels read a layout differently although its description is the same.
    private const int LayoutVersion = 1;

    public static string Of(PackedWeights weights)
    {
        StringBuilder text = new();
        Append(text, $"layout {LayoutVersion} length {weights.LengthBytes}\n");
        foreach (PackedMatrix matrix in weights.Matrices)
        {
            Append(text, $"matrix {matrix.Format.Name} {matrix.Format.PanelColumns} {matrix.PaddedInputs} {matrix.PaddedOutputs} at {matrix.OffsetBytes}\n");
            foreach (InputSegment segment in matrix.Inputs)
            {
                Append(text, $" in {segment.First} {segment.Count} {segment.FirstPadded}\n");
            }

            foreach (MatrixPart part in matrix.Parts)
            {
                Append(text, $" part\n");
                foreach (OutputSegment segment in part.Outputs)
                {
                    Append(text, $"  out {segment.Parameter.Name} {segment.Parameter.FirstRow} {segment.FirstRow} {segment.Count} {segment.FirstColumn}\n");
                }
            }
        }

        foreach (PackedVector vector in weights.Vectors)
        {
            Append(text, $"vector {vector.Rows} {vector.PaddedLength} {BitConverter.DoubleToInt64Bits(vector.Addend)} at {vector.OffsetBytes}\n");
            foreach (VectorSegment segment in vector.Segments)
            {
                Append(text, $" from {segment.Parameter.Name} {segment.Parameter.FirstRow} {segment.First} {segment.Count} {segment.At}\n");
            }
        }

        return Sha256(text);
    }

    /// <summary>SHA-256 of a text, lower-case hexadecimal.</summary>
    public static string Sha256(StringBuilder text)
    {
        using SHA256 sha = SHA256.Create();
        return string.Concat(sha.ComputeHash(Encoding.UTF8.GetBytes(text.ToString())).Select(b => b.ToString("x2", CultureInfo.InvariantCulture)));
    }

    /// <summary>The same on a machine of any culture.</summary>
    public static void Append(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture));
}

using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Reference;

/// <summary>
/// The inputs of products in a block format, rounded: for each group of 32 of the padded row, x ← round(x · 127 / max |x|) · max |x| / 127. In double
/// precision, so that a number in the middle between two integers may go the other way than in a kernel's float32.
/// </summary>
internal static class ReferenceQuantise
{
    private const double Levels = 127;

    /// <summary>Rounds a group of a token, which begins at <paramref name="first"/> of the padded row.</summary>
    internal delegate void GroupRounding(int token, int first, Span<double> group);

    /// <summary>The matrices of a layout whose inputs are quantised, by parameter.</summary>
    public static Dictionary<Parameter, PackedMatrix> Matrices(PackedWeights? layout)
    {
        Dictionary<Parameter, PackedMatrix> matrices = [];
        foreach (PackedMatrix matrix in layout?.Matrices.Where(matrix => matrix.Format is BlockFormat) ?? [])
        {
            foreach (OutputSegment segment in matrix.Parts.SelectMany(part => part.Outputs))
            {
                matrices[segment.Parameter] = matrix;
            }
        }

        return matrices;
    }

    /// <summary>x [tokens × inputs], rounded in the groups in which the matrix pads it.</summary>
    public static double[] Apply(double[] x, int inputs, PackedMatrix matrix) => Apply(x, inputs, matrix, (_, _, group) => Round(group));

    /// <summary>The same, each group as <paramref name="round"/> does it.</summary>
    internal static double[] Apply(double[] x, int inputs, PackedMatrix matrix, GroupRounding round)
    {
        double[] rounded = new double[x.Length];
        double[] row = new double[matrix.PaddedInputs];
        for (int token = 0; token < x.Length / inputs; token++)
        {
            foreach (InputSegment segment in matrix.Inputs)
            {
                Array.Copy(x, (token * inputs) + segment.First, row, segment.FirstPadded, segment.Count);
            }

            for (int group = 0; group < row.Length; group += BlockFormat.GroupInputs)
            {
                round(token, group, row.AsSpan(group, BlockFormat.GroupInputs));
            }

            foreach (InputSegment segment in matrix.Inputs)
            {
                Array.Copy(row, segment.FirstPadded, rounded, (token * inputs) + segment.First, segment.Count);
            }
        }

        return rounded;
    }

    private static void Round(Span<double> group)
    {
        double peak = 0;
        foreach (double number in group)
        {
            peak = Math.Max(peak, Math.Abs(number));
        }

        for (int i = 0; i < group.Length; i++)
        {
            group[i] = peak == 0 ? 0 : Math.Round(group[i] * (Levels / peak), MidpointRounding.ToEven) * (peak / Levels);
        }
    }
}

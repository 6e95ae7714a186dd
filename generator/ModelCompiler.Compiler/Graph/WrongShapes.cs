using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>
/// Tensors of other shapes than the config asks for (<c>MC103</c>). One wrong setting contradicts every tensor that it sizes, so they are told together, with the settings that explain them: with
/// another value of one of these, and the rest as it is, the config would ask for the shapes that the tensors have.
/// </summary>
internal sealed class WrongShapes
{
    private readonly List<Mismatch> mismatches = [];
    private readonly List<Dimension> right = [];

    /// <summary>Looks at a tensor; false: it has another shape.</summary>
    public bool Check(TensorInfo tensor, Size[] shape)
    {
        bool ranked = tensor.Shape.Count == shape.Length;
        List<Dimension> wrong = [];
        for (int i = 0; i < shape.Length; i++)
        {
            Dimension dimension = new(shape[i], ranked ? tensor.Shape[i] : null);
            (dimension.Found == dimension.Expected.Value ? right : wrong).Add(dimension);
        }

        if (wrong.Count > 0 && !mismatches.Any(mismatch => mismatch.Tensor.Name == tensor.Name))
        {
            mismatches.Add(new(tensor, shape, wrong));
        }

        return wrong.Count == 0;
    }

    /// <summary>One error where one setting explains all of them, else one for each line of the config that their first wrong size comes from.</summary>
    public void Report(ICollection<ModelDiagnostic> diagnostics)
    {
        if (mismatches.Count > 0 && Suspects([.. mismatches.SelectMany(mismatch => mismatch.Wrong)]) is [_, ..] suspects)
        {
            Report(mismatches, suspects, diagnostics);
            return;
        }

        foreach (IGrouping<SourceSpan, Mismatch> group in mismatches.GroupBy(mismatch => mismatch.Wrong[0].Expected.Where))
        {
            Report([.. group], Suspects([.. group.Select(mismatch => mismatch.Wrong[0])]), diagnostics);
        }
    }

    private static void Report(IReadOnlyList<Mismatch> told, IReadOnlyList<Suspect> suspects, ICollection<ModelDiagnostic> diagnostics)
    {
        Mismatch first = told[0];
        string cause = suspects.Count == 0 ? ""
            : $"By {(told.Count == 1 ? "its shape" : "their shapes")}, {string.Join(" or ", suspects.Select(suspect => $"{suspect.Setting.Name} is {suspect.Value}"))}. ";
        diagnostics.Report(
            Catalogue.WrongShape, suspects.Count > 0 ? suspects[0].Setting.Where : first.Wrong[0].Expected.Where,
            DiagnosticReporting.Tensors([.. told.Select(mismatch => mismatch.Tensor.Name)]), $"{DiagnosticReporting.Shape(first.Tensor.Shape)} in {first.Tensor.File}", Size.Describe(first.Shape),
            cause + "Config and weights must come from the same model: correct the setting, or take the other file.");
    }

    /// <summary>
    /// The settings that explain these wrong sizes, with what they would be. They must leave right what is right; a setting that sizes something by itself, be it wrong here for another
    /// reason, is what that says.
    /// </summary>
    private List<Suspect> Suspects(IReadOnlyList<Dimension> wrong)
    {
        List<Dimension> explained = [.. wrong, .. right];
        List<Dimension> direct = [.. mismatches.SelectMany(mismatch => mismatch.Wrong).Where(dimension => dimension.Found is not null && dimension.Expected.Settings.Count == 1)];
        return
        [
            .. wrong[0].Expected.Settings.GroupBy(setting => setting.Name).Select(named => named.First())
                .SelectMany(setting => wrong[0].ValuesOf(setting).Select(value => new Suspect(setting, value)))
                .Where(suspect => explained.All(suspect.Explains) && direct.All(dimension => dimension.Expected.Settings[0].Name != suspect.Setting.Name || suspect.Explains(dimension))),
        ];
    }

    private sealed record Mismatch(TensorInfo Tensor, Size[] Shape, IReadOnlyList<Dimension> Wrong);

    /// <summary>A setting, and a value that it may have by the tensors' shapes.</summary>
    private sealed record Suspect(Setting Setting, int Value)
    {
        public bool Explains(Dimension dimension) => dimension.Found is { } found && dimension.Expected.Given(Setting.Name, Value) == found;
    }

    /// <summary>A size of a tensor; <paramref name="Found"/> is null where the tensor has another number of them.</summary>
    private sealed record Dimension(Size Expected, int? Found)
    {
        /// <summary>What the setting may be if it alone is wrong: the size grows with it, or, where it divides, as it shrinks.</summary>
        public IEnumerable<int> ValuesOf(Setting setting)
        {
            long found = Found.GetValueOrDefault();
            return new[] { Whole(found * setting.Value, Expected.Value), Whole((long)Expected.Value * setting.Value, found) }.OfType<int>().Distinct();
        }

        private static int? Whole(long left, long right)
            => left > 0 && right > 0 && left % right == 0 && left / right <= int.MaxValue ? (int)(left / right) : null;
    }
}

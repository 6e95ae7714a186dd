using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>
/// Tensors of other shapes than the config asks for (<c>MC103</c>). One wrong setting contradicts every tensor that it sizes, so they are told together, with the setting, where it is one
/// that only they depend on.
/// </summary>
internal sealed class WrongShapes
{
    private readonly List<Mismatch> mismatches = [];
    private readonly HashSet<string> confirmed = new(StringComparer.Ordinal);

    /// <summary>Looks at a tensor; false: it has another shape.</summary>
    public bool Check(TensorInfo tensor, Size[] shape)
    {
        bool ranked = tensor.Shape.Count == shape.Length;
        List<Dimension> wrong = [];
        for (int i = 0; i < shape.Length; i++)
        {
            if (!ranked || tensor.Shape[i] != shape[i])
            {
                wrong.Add(new(shape[i], ranked ? tensor.Shape[i] : null));
            }
            else
            {
                confirmed.UnionWith(shape[i].Settings.Select(setting => setting.Name));
            }
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
        if (mismatches.Count > 0 && Suspects(mismatches.SelectMany(mismatch => mismatch.Wrong)) is [_, ..] suspects)
        {
            Report(mismatches, suspects, diagnostics);
            return;
        }

        foreach (IGrouping<SourceSpan, Mismatch> group in mismatches.GroupBy(mismatch => mismatch.Wrong[0].Expected.Where))
        {
            Report([.. group], Suspects(group.Select(mismatch => mismatch.Wrong[0])), diagnostics);
        }
    }

    private static void Report(IReadOnlyList<Mismatch> told, IReadOnlyList<Suspect> suspects, ICollection<ModelDiagnostic> diagnostics)
    {
        Mismatch first = told[0];
        string cause = suspects.Count == 0 ? ""
            : suspects.All(suspect => suspect.Found is not null) ? $"By {(told.Count == 1 ? "its shape" : "their shapes")}, {string.Join(" or ", suspects.Select(suspect => $"{suspect.Setting.Name} is {suspect.Found}"))}. "
            : $"Only {(told.Count == 1 ? "it depends" : "they depend")} on {string.Join(" and ", suspects.Select(suspect => suspect.Setting.Name))}. ";
        diagnostics.Report(
            Catalogue.WrongShape, suspects.Count > 0 ? suspects[0].Setting.Where : first.Wrong[0].Expected.Where,
            DiagnosticReporting.Tensors([.. told.Select(mismatch => mismatch.Tensor.Name)]), $"{DiagnosticReporting.Shape(first.Tensor.Shape)} in {first.Tensor.File}", Size.Describe(first.Shape),
            cause + "Config and weights must come from the same model: correct the setting, or take the other file.");
    }

    /// <summary>The settings that each of the wrong sizes comes from, and no right one.</summary>
    private List<Suspect> Suspects(IEnumerable<Dimension> wrong)
    {
        List<Dimension> all = [.. wrong];
        return
        [
            .. all[0].Expected.Settings
                .Where(setting => !confirmed.Contains(setting.Name) && all.All(dimension => dimension.Found is not null && dimension.Expected.Settings.Any(other => other.Name == setting.Name)))
                .Select(setting => new Suspect(setting, all.Select(dimension => dimension.FoundFor(setting)).Distinct().ToList() is [{ } found] ? found : null)),
        ];
    }

    private sealed record Mismatch(TensorInfo Tensor, Size[] Shape, IReadOnlyList<Dimension> Wrong);

    /// <summary>A setting, and what it is by the tensors' shapes; null where they do not tell.</summary>
    private sealed record Suspect(Setting Setting, int? Found);

    /// <summary>A wrong size; <paramref name="Found"/> is null where the tensor has another number of them.</summary>
    private sealed record Dimension(Size Expected, int? Found)
    {
        /// <summary>What the setting would be if it alone were wrong.</summary>
        public int? FoundFor(Setting setting)
        {
            long product = (long)Found.GetValueOrDefault() * setting.Value;
            bool isFactor = Expected.Settings.Count(other => other.Name == setting.Name) == 1 && !setting.Divides;
            return isFactor && product % Expected.Value == 0 ? (int)(product / Expected.Value) : null;
        }
    }
}

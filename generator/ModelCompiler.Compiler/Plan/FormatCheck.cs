using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>Holds a choice of formats against a model.</summary>
internal static class FormatCheck
{
    /// <summary>Every pattern must fit a matrix.</summary>
    public static bool Check(FormatChoice formats, ModelGraph graph, SourceSpan where, ICollection<ModelDiagnostic> diagnostics)
    {
        Parameter[] matrices = [.. graph.Operations.SelectMany(Matrices).Distinct()];
        bool valid = true;
        foreach (FormatOverride choice in formats.Overrides.Where(choice => !matrices.Any(matrix => FormatChoice.Fits(matrix.Name, choice.Pattern))))
        {
            valid = false;
            diagnostics.Add(new(Catalogue.UselessOverride, where, $"Found the pattern '{choice.Pattern}' with the format {choice.Format.Name}, expected one that fits the name of a matrix, such as {matrices[^1].Name}. Correct it, or take it out."));
        }

        return valid;
    }

    private static IEnumerable<Parameter> Matrices(Operation operation) => operation switch
    {
        Linear linear => [linear.Weight],
        Embedding embedding => [embedding.Table],
        _ => [],
    };
}

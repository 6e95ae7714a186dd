using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>
/// Tensors that are in none of the weight files (<c>MC102</c>). What a setting asks for is told at the setting, unless the files hold a part of it: then the setting is right, and the rest is missing as
/// any other tensor would be.
/// </summary>
internal sealed class MissingTensors
{
    private readonly List<Missing> missing = [];
    private readonly HashSet<string> borneOut = new(StringComparer.Ordinal);

    /// <summary>A tensor that is there, and what asks for it.</summary>
    public void Found(Flag because)
    {
        if (because.Name is { } setting)
        {
            borneOut.Add(setting);
        }
    }

    /// <summary>A tensor that is not there, and what asks for it; each once.</summary>
    public void Add(string name, Size[] shape, Flag because) => missing.Add(new(name, shape, because));

    /// <summary>One error for what the family asks for, at <paramref name="familyAt"/>, and one for each setting.</summary>
    public void Report(ModelInputs inputs, SourceSpan familyAt, ICollection<ModelDiagnostic> diagnostics)
    {
        bool nothing = inputs.Tensors.Count == 0;
        foreach (IGrouping<Flag, Missing> group in missing.GroupBy(tensor => !nothing && tensor.Because.Name is { } setting && !borneOut.Contains(setting) ? tensor.Because : default))
        {
            Flag because = group.Key;
            Missing first = group.First();
            bool told = because.Name is not null;
            diagnostics.Report(
                Catalogue.MissingTensor, told ? because.Where : familyAt, DiagnosticReporting.Tensors([.. group.Select(tensor => tensor.Name)]), "nothing",
                $"{Size.Describe(first.Shape)} in a weight file{(told ? $", because {because}" : "")}",
                nothing ? "Put the model's *.safetensors files beside config.json."
                    : told ? $"If the model has none, {because.Correction}; otherwise see that all shards are there."
                    : "See that all shards are there and that config.json belongs to them; if the model names its tensors otherwise, "
                        + "its architecture needs a file of its own (docs/adding-an-architecture.md).");
        }
    }

    private sealed record Missing(string Name, Size[] Shape, Flag Because);
}

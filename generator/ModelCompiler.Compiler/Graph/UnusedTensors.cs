using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>Warns of tensors in the files that no operation reads: a part of the model may have been overlooked.</summary>
internal static class UnusedTensors
{
    private const int MostNamed = 8;

    // Constants that older versions of the transformers library saved along with the weights: the causal mask, what masked
    // scores become, and the rotary frequencies.
    private static readonly string[] WellKnownBuffers =
        [".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq", ".attention.bias", ".attention.masked_bias"];

    /// <summary>One <c>MC105</c> that names the first few, and one for each setting that leaves some out: <paramref name="leftOut"/>, by their names.</summary>
    public static void Report(
        ModelInputs inputs, Func<string, bool> isKnown, IReadOnlyDictionary<string, Flag> leftOut, LayerTensors? layers, ICollection<ModelDiagnostic> diagnostics)
    {
        IEnumerable<TensorInfo> unused = inputs.Tensors.Where(tensor => !isKnown(tensor.Name) && !IsBuffer(tensor.Name));
        foreach (IGrouping<Flag, TensorInfo> group in unused.GroupBy(tensor => leftOut.TryGetValue(tensor.Name, out Flag flag) ? flag : default))
        {
            Report([.. group], group.Key, layers, diagnostics);
        }
    }

    private static void Report(IReadOnlyList<TensorInfo> unused, Flag because, LayerTensors? layers, ICollection<ModelDiagnostic> diagnostics)
    {
        bool told = because.Name is not null;
        string names = string.Join(", ", unused.Take(MostNamed).Select(tensor => $"'{tensor.Name}'"));
        string more = unused.Count > MostNamed ? $" and {unused.Count - MostNamed} more" : "";
        diagnostics.Report(
            Catalogue.UnusedTensors, told ? because.Where : new SourceSpan(unused[0].File), "weights", $"{unused.Count} tensor(s) that nothing uses: {names}{more}",
            told ? $"each tensor to be used, but {because}" : "each tensor to be used",
            told ? $"If the model needs them, {because.Correction}; otherwise remove them from the file."
                : layers is not null && layers.Held > layers.Count
                ? $"The files hold {layers.Held} layers, but {layers.Count.Name} is {layers.Count.Value}: correct it, or remove the tensors from the file."
                : "If the model needs them, its config names the wrong family; otherwise remove them from the file.");
    }

    private static bool IsBuffer(string name)
        => WellKnownBuffers.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal));
}

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

    /// <summary>One <c>MC105</c> that names the first few.</summary>
    public static void Report(ModelInputs inputs, Func<string, bool> isKnown, LayerTensors? layers, ICollection<ModelDiagnostic> diagnostics)
    {
        List<TensorInfo> unused = [.. inputs.Tensors.Where(tensor => !isKnown(tensor.Name) && !IsBuffer(tensor.Name))];
        if (unused.Count == 0)
        {
            return;
        }

        string names = string.Join(", ", unused.Take(MostNamed).Select(tensor => $"'{tensor.Name}'"));
        string more = unused.Count > MostNamed ? $" and {unused.Count - MostNamed} more" : "";
        diagnostics.Report(
            Catalogue.UnusedTensors, new SourceSpan(unused[0].File), "weights", $"{unused.Count} tensor(s) that nothing uses: {names}{more}",
            "each tensor to be used",
            layers is not null && layers.Held > layers.Count
                ? $"The files hold {layers.Held} layers, but {layers.Count.Name} is {layers.Count.Value}: correct it, or remove the tensors from the file."
                : "If the model needs them, its config names the wrong family; otherwise remove them from the file.");
    }

    private static bool IsBuffer(string name)
        => WellKnownBuffers.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal));
}

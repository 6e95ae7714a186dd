using System.Globalization;
using ModelCompiler.Runtime;

namespace ModelCompiler.Onnx;

/// <summary>What an exported file says about its model.</summary>
internal sealed record OnnxShape(string Family, string Weights, bool IsHalf, int Layers, int KvHeads, int HeadDim, int Vocab, int ContextLength)
{
    private const string Prefix = "modelcompiler.";

    /// <summary>Bytes of a number of the cache.</summary>
    public int NumberBytes => IsHalf ? 2 : 4;

    /// <summary>Bytes of keys, or values, of one layer at one position.</summary>
    public long LayerBytes => (long)KvHeads * HeadDim * NumberBytes;

    /// <exception cref="OnnxModelException">The file was not written by this exporter.</exception>
    public static OnnxShape Read(IReadOnlyDictionary<string, string> metadata, string path)
    {
        string Text(string key) => metadata.TryGetValue(Prefix + key, out string? text)
            ? text
            : throw new OnnxModelException($"{path}: found no '{Prefix}{key}' in its metadata, expected a file that 'modelc export' wrote.");
        int Number(string key) => int.TryParse(Text(key), NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
            ? number
            : throw new OnnxModelException($"{path}: found '{Text(key)}' for '{Prefix}{key}', expected a number above 0: export the model again.");
        return new OnnxShape(
            Text("family"), Text("weights"), Text("activations") == "f16", Number("layers"), Number("kv_heads"), Number("head_dim"), Number("vocab"), Number("context_length"));
    }

    /// <exception cref="OnnxModelException">It is the export of another model than <paramref name="description"/>.</exception>
    public void ThrowIfNot(ModelDescription description, string path)
    {
        void Same<T>(string what, T found, T expected)
        {
            if (!Equals(found, expected))
            {
                throw new OnnxModelException($"{path}: found {what} {found}, expected {expected}, that of the compiled model '{description.Name}': export that model.");
            }
        }

        Same("family", Family, description.Family);
        Same("layers", Layers, description.Layers);
        Same("kvHeads", KvHeads, description.KvHeads);
        Same("headDim", HeadDim, description.HeadDim);
        Same("vocab", Vocab, description.Vocab);
        Same("contextLength", ContextLength, description.ContextLength);
    }
}

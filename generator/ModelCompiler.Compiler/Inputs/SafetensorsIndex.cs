using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>A line of the index: the tensor, the shard that holds it, and where the index says so.</summary>
public sealed record ShardEntry(string Tensor, string Shard, SourceSpan Where);

/// <summary>model.safetensors.index.json: which shard of a model holds which tensor.</summary>
public sealed record SafetensorsIndex(TextFile File, EquatableArray<ShardEntry> Entries)
{
    private const string Extension = ".safetensors";
    private const string Advice = "Download the model's files again; index and shards must be of one revision.";

    /// <summary>The shards' file names, each once, sorted: all lie in the index's own folder.</summary>
    public EquatableArray<string> Shards
        => Entries.Select(entry => entry.Shard).Distinct(StringComparer.Ordinal).OrderBy(shard => shard, StringComparer.Ordinal).ToEquatable();

    /// <summary>
    /// Reads the index. Null after an error: <c>MC015</c> for a shard that is not a plain file name, <c>MC010</c> for a
    /// tensor name that is not safe, <c>MC003</c>, <c>MC004</c> for another structure.
    /// </summary>
    public static SafetensorsIndex? Read(TextFile file, ICollection<ModelDiagnostic> diagnostics)
    {
        if (ConfigReader.Open(file, Advice, diagnostics) is not { } json)
        {
            return null;
        }

        if (!json.Has("weight_map"))
        {
            json.Report(Catalogue.MissingValue, "weight_map", "an object that names the shard of each tensor", Advice);
        }

        if (json.Object("weight_map") is not { } map)
        {
            return null;
        }

        List<ShardEntry> entries = [];
        foreach (string tensor in map.Keys)
        {
            SourceSpan where = map.Where(tensor);
            if (!SafeName.CheckTensor(tensor, where, diagnostics))
            {
                return null;
            }

            string shard = map.Text(tensor);
            if (map.Failed || !SafeName.CheckFile(shard, where, diagnostics) || !HasExtension(shard, where, diagnostics))
            {
                return null;
            }

            entries.Add(new ShardEntry(tensor, shard, where));
        }

        return new SafetensorsIndex(file, entries.ToEquatable());
    }

    /// <summary>
    /// The tensors of all shards, sorted by name. Empty after <c>MC016</c>: a shard lacks a tensor that the index places in
    /// it, or two shards hold tensors of the same name. <paramref name="tensors"/>: what the shards' headers declare.
    /// </summary>
    public EquatableArray<TensorInfo> Join(IEnumerable<TensorInfo> tensors, ICollection<ModelDiagnostic> diagnostics)
    {
        Dictionary<string, TensorInfo> byName = new(StringComparer.Ordinal);
        foreach (TensorInfo tensor in tensors)
        {
            if (byName.TryGetValue(tensor.Name, out TensorInfo? other))
            {
                diagnostics.Report(
                    Catalogue.ShardContent, new SourceSpan(tensor.File), $"tensor '{tensor.Name}'",
                    $"it here and in {other.File}", "each tensor in one shard", Advice);
                return default;
            }

            byName.Add(tensor.Name, tensor);
        }

        foreach (ShardEntry entry in Entries)
        {
            string? holder = byName.TryGetValue(entry.Tensor, out TensorInfo? tensor) ? SafeName.LastPart(tensor.File) : null;
            if (holder != entry.Shard)
            {
                diagnostics.Report(
                    Catalogue.ShardContent, entry.Where, $"tensor '{entry.Tensor}'",
                    holder is null ? "it in no shard" : $"it in {holder}", $"it in {entry.Shard}", Advice);
                return default;
            }
        }

        return byName.Values.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).ToEquatable();
    }

    private static bool HasExtension(string shard, SourceSpan where, ICollection<ModelDiagnostic> diagnostics)
    {
        if (shard.EndsWith(Extension, StringComparison.Ordinal))
        {
            return true;
        }

        diagnostics.Report(Catalogue.ShardPath, where, "file name", $"'{shard}'", $"a name that ends in {Extension}", Advice);
        return false;
    }
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Runtime.Weights.Safetensors;

/// <summary>
/// Reads float32 tensors of a safetensors file, such as a checkpoint or an adapter. No length in the file is believed before it
/// is checked against the file's own; the data must follow the header without gap or overlap, in any order of the header's entries. (Published models are read by the compiler,
/// which accepts more and explains more.)
/// </summary>
public sealed class SafetensorsReader : IDisposable
{
    private const string Metadatum = "__metadata__";
    private const int PrefixBytes = 8;
    private const long LongestHeaderBytes = 100_000_000;

    private readonly FileStream stream;
    private readonly Dictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> metadata = new(StringComparer.Ordinal);

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="SafetensorsFileException">It is no whole safetensors file.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public SafetensorsReader(string path)
    {
        Path = path;
        FilePlace.RequireReadable(path);
        stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        try
        {
            ReadHeader();
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Its tensors, in the order of the header.</summary>
    public IEnumerable<TensorDeclaration> Tensors => entries.Values.Select(entry => entry.Tensor);

    /// <summary>What the header tells besides.</summary>
    public IReadOnlyDictionary<string, string> Metadata => metadata;

    /// <summary>Reads a whole tensor, row by row.</summary>
    /// <exception cref="SafetensorsFileException">The file has no such tensor, or one of another type or shape.</exception>
    public void Read(string name, IReadOnlyList<int> shape, Span<float> destination)
    {
        if (!entries.TryGetValue(name, out Entry? entry))
        {
            throw Wrong($"tensor '{name}'", "none of that name", $"{Text(shape)} in F32");
        }

        if (entry.Tensor.Type != "F32" || !entry.Tensor.Shape.SequenceEqual(shape))
        {
            throw Wrong($"tensor '{name}'", $"{Text(entry.Tensor.Shape)} in {entry.Tensor.Type}", $"{Text(shape)} in F32");
        }

        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, entry.Tensor.Elements);
        stream.Position = entry.Offset;
        stream.ReadExactly(MemoryMarshal.AsBytes(destination));
    }

    /// <inheritdoc/>
    public void Dispose() => stream.Dispose();

    private void ReadHeader()
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        if (stream.Length < PrefixBytes + 2)
        {
            throw Wrong("file", $"{stream.Length} bytes", $"at least {PrefixBytes + 2}");
        }

        stream.ReadExactly(prefix);
        long length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        long most = Math.Min(LongestHeaderBytes, stream.Length - PrefixBytes);
        if (length < 2 || length > most)
        {
            throw Wrong("header length", $"{length} bytes", $"2 to {most}");
        }

        byte[] header = new byte[length];
        stream.ReadExactly(header);
        try
        {
            using JsonDocument document = JsonDocument.Parse(header);
            long end = PrefixBytes + length;
            foreach (JsonProperty property in document.RootElement.EnumerateObject().Where(property => property.Name != Metadatum).OrderBy(BeginOf))
            {
                end = ReadEntry(property, PrefixBytes + length, end);
            }

            if (document.RootElement.TryGetProperty(Metadatum, out JsonElement told))
            {
                foreach (JsonProperty property in told.EnumerateObject())
                {
                    metadata[property.Name] = property.Value.ToString();
                }
            }

            if (end != stream.Length)
            {
                throw Wrong("length of the file", $"{stream.Length} bytes", $"the {end} that its header describes");
            }
        }
        catch (Exception fault) when (JsonFault.Is(fault) || fault is ArgumentException)
        {
            throw Wrong("header", JsonFault.Found(fault), "an object with dtype, shape and data_offsets of each tensor");
        }
    }

    /// <summary>Adds a tensor that begins where the last one ended; returns where it ends.</summary>
    private long ReadEntry(JsonProperty property, long dataStart, long begin)
    {
        int[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32())];
        TensorDeclaration tensor = new(property.Name, property.Value.GetProperty("dtype").GetString() ?? "null", shape);
        JsonElement offsets = property.Value.GetProperty("data_offsets");
        if (shape.Any(size => size < 0) || offsets.GetArrayLength() != 2
            || dataStart + offsets[0].GetInt64() != begin || dataStart + offsets[1].GetInt64() != begin + tensor.LengthBytes)
        {
            throw Wrong($"tensor '{tensor.Name}'", $"data_offsets {offsets} of shape {Text(shape)}", $"[{begin - dataStart}, {begin - dataStart + tensor.LengthBytes}]");
        }

        return entries.TryAdd(tensor.Name, new(tensor, begin))
            ? begin + tensor.LengthBytes
            : throw Wrong($"tensor '{tensor.Name}'", "it twice", "each once");
    }

    /// <summary>Where a tensor's data begin, behind the header.</summary>
    private static long BeginOf(JsonProperty tensor) => tensor.Value.GetProperty("data_offsets").EnumerateArray().FirstOrDefault() is { ValueKind: JsonValueKind.Number } begin ? begin.GetInt64() : -1;

    private SafetensorsFileException Wrong(string what, string found, string expected) => new(Path, what, found, expected);

    private static string Text(IEnumerable<int> shape) => $"[{string.Join(", ", shape)}]";

    private sealed record Entry(TensorDeclaration Tensor, long Offset);
}

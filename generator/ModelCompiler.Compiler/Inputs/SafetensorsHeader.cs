using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// The header of a safetensors file, every rule of the format checked before a byte of data is believed:
/// 8 bytes little-endian header length, the header in JSON, the data without gap or overlap to the end of the file.
/// Follows safetensors/src/tensor.rs of github.com/huggingface/safetensors.
/// </summary>
public static class SafetensorsHeader
{
    /// <summary>Bytes before the header: its length.</summary>
    public const int PrefixBytes = 8;

    /// <summary>The longest header that the format allows.</summary>
    public const long LongestHeaderBytes = 100_000_000;

    // "version ", which every pointer begins with, read as a header length (git-lfs/docs/spec.md of github.com/git-lfs/git-lfs).
    private const long GitLfsBeginning = 0x206E_6F69_7372_6576;

    private const string Metadata = "__metadata__";
    private const string Advice = "Download the file again, or write it again with the safetensors library.";

    /// <summary>
    /// Checks the header length, read from the file's first 8 bytes, before memory is taken for it.
    /// False after reporting <c>MC011</c>. A file shorter than 8 bytes has <paramref name="headerLength"/> 0.
    /// </summary>
    public static bool CheckLength(string fileName, long headerLength, long fileLength, ICollection<ModelDiagnostic> diagnostics)
    {
        if (fileLength < PrefixBytes + 2)
        {
            Report(diagnostics, Catalogue.HeaderLength, new(fileName), "file", $"{fileLength} bytes", "at least 10");
        }
        else if (headerLength == GitLfsBeginning)
        {
            diagnostics.Report(
                Catalogue.HeaderLength, new(fileName), "file", $"a Git LFS pointer of {fileLength} bytes", "the weights that it stands for",
                "Run 'git lfs pull' in the model's folder, or download the file itself.");
        }
        else if (headerLength is < 2 or > LongestHeaderBytes)
        {
            Report(
                diagnostics, Catalogue.HeaderLength, new(fileName), "header length",
                $"{(ulong)headerLength} bytes", $"2 to {LongestHeaderBytes}");
        }
        else if (headerLength > fileLength - PrefixBytes)
        {
            Report(
                diagnostics, Catalogue.HeaderLength, new(fileName), "header length",
                $"{headerLength} bytes", $"at most the {fileLength - PrefixBytes} that the file has after its length");
        }
        else
        {
            return true;
        }

        return false;
    }

    /// <summary>
    /// The tensors of a file, sorted by name. Empty after an error (<c>MC001</c>, <c>MC002</c>, <c>MC010</c> to
    /// <c>MC013</c>); places count within the header text.
    /// </summary>
    public static EquatableArray<TensorInfo> Read(
        string fileName, string headerJson, long headerLength, long fileLength, ICollection<ModelDiagnostic> diagnostics)
    {
        if (!CheckLength(fileName, headerLength, fileLength, diagnostics)
            || JsonReader.Read(new TextFile(fileName, headerJson), diagnostics) is not { } root)
        {
            return EquatableArray<TensorInfo>.Empty;
        }

        SourceSpan start = new(fileName, root.Line, root.Column);
        if (root.Kind != JsonKind.Object)
        {
            Report(diagnostics, Catalogue.HeaderEntry, start, "header", root.Describe(), "an object that begins with '{'");
            return EquatableArray<TensorInfo>.Empty;
        }

        long dataStart = PrefixBytes + headerLength;
        List<Entry> entries = new(root.Members.Count);
        foreach (JsonMember member in root.Members)
        {
            if (member.Name != Metadata)
            {
                if (ReadEntry(fileName, member, dataStart, diagnostics) is not { } entry)
                {
                    return EquatableArray<TensorInfo>.Empty;
                }

                entries.Add(entry);
            }
            else if (!CheckMetadata(fileName, member, diagnostics))
            {
                return EquatableArray<TensorInfo>.Empty;
            }
        }

        return CheckLayout(entries, dataStart, fileLength, start, diagnostics)
            ? entries.Select(entry => entry.Tensor).OrderBy(tensor => tensor.Name, StringComparer.Ordinal).ToEquatable()
            : EquatableArray<TensorInfo>.Empty;
    }

    private readonly record struct Entry(TensorInfo Tensor, SourceSpan Where);

    private static bool CheckMetadata(string file, JsonMember member, ICollection<ModelDiagnostic> diagnostics)
    {
        if (member.Value.Kind == JsonKind.Object && member.Value.Members.All(entry => entry.Value.Kind == JsonKind.String))
        {
            return true;
        }

        Report(
            diagnostics, Catalogue.HeaderEntry, At(file, member.Value), Metadata, member.Value.Describe(), "an object of strings");
        return false;
    }

    private static Entry? ReadEntry(string file, JsonMember member, long dataStart, ICollection<ModelDiagnostic> diagnostics)
    {
        SourceSpan where = new(file, member.Line, member.Column);
        if (!SafeName.CheckTensor(member.Name, where, diagnostics))
        {
            return null;
        }

        Entry? Fail(JsonValue? found, string what, string expected)
        {
            Report(
                diagnostics, Catalogue.HeaderEntry, found is null ? where : At(file, found),
                $"{what} of tensor '{member.Name}'", found?.Describe() ?? "nothing", expected);
            return null;
        }

        JsonValue value = member.Value;
        if (value.Find("dtype") is not { Kind: JsonKind.String } type)
        {
            return Fail(value.Find("dtype"), "dtype", "a string such as 'F32'");
        }

        if (value.Find("shape") is not { Kind: JsonKind.Array } shapeValue || ReadShape(shapeValue) is not { } shape)
        {
            return Fail(value.Find("shape"), "shape", "a list of at most 8 whole numbers from 0 to 2147483647 with a product below 2^56");
        }

        if (value.Find("data_offsets") is not { Kind: JsonKind.Array, Items.Count: 2 } offsets
            || !offsets.Items[0].TryGetInt64(out long begin) || !offsets.Items[1].TryGetInt64(out long end)
            || begin < 0 || end < begin || end > long.MaxValue - dataStart)
        {
            return Fail(value.Find("data_offsets"), "data_offsets", "[begin, end] with 0 ≤ begin ≤ end");
        }

        if (BitsOf(type.Text) is { } bits && !HasLength(shape, bits, end - begin))
        {
            Report(
                diagnostics, Catalogue.TensorLayout, At(file, offsets), $"data_offsets of tensor '{member.Name}'",
                $"{end - begin} bytes", $"the {ProductOf(shape) * bits / 8} bytes of shape {DiagnosticReporting.Shape(shape)} in {type.Text}");
            return null;
        }

        TensorInfo tensor = new(member.Name, TypeOf(type.Text), shape, file, dataStart + begin, end - begin) { TypeName = Clean(type.Text) };
        return new Entry(tensor, where);
    }

    private static EquatableArray<int>? ReadShape(JsonValue value)
    {
        const int MostDimensions = 8;
        const long MostElements = 1L << 56;
        if (value.Items.Count > MostDimensions)
        {
            return null;
        }

        int[] shape = new int[value.Items.Count];
        long product = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            if (!value.Items[i].TryGetInt64(out long size) || size is < 0 or > int.MaxValue
                || (size != 0 && product > MostElements / size))
            {
                return null;
            }

            product *= size;
            shape[i] = (int)size;
        }

        return new EquatableArray<int>(shape);
    }

    private static bool CheckLayout(
        List<Entry> entries, long dataStart, long fileLength, SourceSpan start, ICollection<ModelDiagnostic> diagnostics)
    {
        entries.Sort((left, right) => (left.Tensor.OffsetBytes, left.Tensor.LengthBytes).CompareTo((right.Tensor.OffsetBytes, right.Tensor.LengthBytes)));
        long end = dataStart;
        string previous = "the header";
        foreach (Entry entry in entries)
        {
            TensorInfo tensor = entry.Tensor;
            if (tensor.OffsetBytes != end)
            {
                string what = tensor.OffsetBytes < end ? "an overlap" : "a gap";
                Report(
                    diagnostics, Catalogue.TensorLayout, entry.Where, $"data of tensor '{tensor.Name}'",
                    $"{what}: it begins at {tensor.OffsetBytes - dataStart}", $"that it begins at {end - dataStart}, where {previous} ends");
                return false;
            }

            end += tensor.LengthBytes;
            previous = $"tensor '{tensor.Name}'";
        }

        if (end != fileLength)
        {
            Report(
                diagnostics, Catalogue.TensorLayout, start, "length of the file", $"{fileLength} bytes",
                $"the {end} bytes that the header describes");
            return false;
        }

        return true;
    }

    /// <summary>The element type of that name in a header or manifest.</summary>
    internal static TensorType TypeOf(string name) => name switch
    {
        "F32" => TensorType.F32,
        "F16" => TensorType.F16,
        "BF16" => TensorType.BF16,
        _ => TensorType.Unsupported,
    };

    // A type that is not known here may be known to a later format: its tensors only must not be used.
    private static int? BitsOf(string name) => name switch
    {
        "BOOL" or "U8" or "I8" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 8,
        "F4" => 4,
        "F6_E2M3" or "F6_E3M2" => 6,
        "F16" or "BF16" or "I16" or "U16" => 16,
        "F32" or "I32" or "U32" => 32,
        "F64" or "I64" or "U64" or "C64" => 64,
        _ => null,
    };

    // With fewer than 2^56 elements the bits of none of these types overflow.
    private static bool HasLength(EquatableArray<int> shape, int bits, long lengthBytes)
        => ProductOf(shape) * bits % 8 == 0 && ProductOf(shape) * bits / 8 == lengthBytes;

    private static long ProductOf(EquatableArray<int> shape) => shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>A type's name as it may be shown and written again.</summary>
    internal static string Clean(string text) => DiagnosticReporting.Quote(text).Trim('\'');

    private static SourceSpan At(string file, JsonValue value) => new(file, value.Line, value.Column);

    private static void Report(
        ICollection<ModelDiagnostic> diagnostics, DiagnosticRule rule, SourceSpan where, string subject, string found, string expected)
        => diagnostics.Report(rule, where, subject, found, expected, Advice);
}

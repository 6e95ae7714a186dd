using System.Buffers.Binary;
using System.Text.Json;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Runtime.Weights.Safetensors;

/// <summary>
/// Writes a safetensors file: eight bytes of header length, a JSON header padded with spaces to a multiple of eight, then the
/// tensors' bytes one after another. Written beside its place and renamed by <see cref="Commit"/>, so that no half-written
/// file is ever seen; disposing without it leaves nothing behind. A symbolic link in its place is replaced, not what it leads to.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly string path;
    private readonly WholeFile file;
    private readonly FileStream stream;
    private readonly long expectedLength;

    /// <summary>Writes the header; the bytes of all tensors follow in this order.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">What follows.</param>
    /// <param name="metadata">What the header tells besides, which other readers pass over; null: nothing.</param>
    public SafetensorsWriter(string path, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        this.path = path;
        byte[] header = Header(tensors, metadata ?? new Dictionary<string, string>());
        expectedLength = 8 + header.Length + tensors.Sum(tensor => tensor.LengthBytes);
        file = new WholeFile(path);
        stream = file.Stream;
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        try
        {
            stream.Write(length);
            stream.Write(header);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The next bytes of the tensors, little-endian.</summary>
    /// <exception cref="IOException">The disk is full, or the file system takes no file of this size.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            stream.Write(bytes);
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw TooLong(fault);
        }
    }

    /// <summary>Puts the finished file in its place.</summary>
    /// <param name="toDisk">Waits until the system has written it to the disk, so that a loss of power does not leave an empty file in its place.</param>
    /// <exception cref="InvalidOperationException">Fewer or more bytes were written than declared.</exception>
    public void Commit(bool toDisk = false)
    {
        if (stream.Position != expectedLength)
        {
            throw new InvalidOperationException($"'{path}' has {stream.Position} bytes, but its header declares {expectedLength}");
        }

        try
        {
            file.Commit(toDisk);
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw TooLong(fault);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>.NET makes an ArgumentOutOfRangeException of EFBIG, which a caller cannot tell from a mistake of its own.</summary>
    private IOException TooLong(ArgumentOutOfRangeException fault) => new($"'{path}': {fault.Message}", fault);

    private static byte[] Header(IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter json = new(text))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            foreach ((string name, string told) in metadata)
            {
                json.WriteString(name, told);
            }

            json.WriteEndObject();
            long offset = 0;
            foreach (TensorDeclaration tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type);
                WriteNumbers(json, "shape", tensor.Shape.Select(size => (long)size));
                WriteNumbers(json, "data_offsets", [offset, offset + tensor.LengthBytes]);
                json.WriteEndObject();
                offset += tensor.LengthBytes;
            }

            json.WriteEndObject();
        }

        while (text.Length % 8 != 0)
        {
            text.WriteByte((byte)' ');
        }

        return text.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long number in numbers)
        {
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
    }
}

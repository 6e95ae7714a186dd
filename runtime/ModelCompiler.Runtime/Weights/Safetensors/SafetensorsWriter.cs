using System.Buffers.Binary;
using System.Text.Json;

namespace ModelCompiler.Runtime.Weights.Safetensors;

/// <summary>
/// Writes a safetensors file: eight bytes of header length, a JSON header padded with spaces to a multiple of eight, then the
/// tensors' bytes one after another. Written beside its place and renamed by <see cref="Commit"/>, so that no half-written
/// file is ever seen; disposing without it leaves nothing behind.
/// </summary>
public sealed class SafetensorsWriter : IDisposable
{
    private readonly string path;
    private readonly string beside;
    private readonly FileStream stream;
    private readonly long expectedLength;
    private bool committed;

    /// <summary>Writes the header; the bytes of all tensors follow in this order.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">What follows.</param>
    /// <param name="metadata">What the header tells besides, which other readers pass over; null: nothing.</param>
    public SafetensorsWriter(string path, IReadOnlyList<TensorDeclaration> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        this.path = path;
        beside = $"{path}.{Environment.ProcessId}.partial";
        byte[] header = Header(tensors, metadata ?? new Dictionary<string, string>());
        expectedLength = 8 + header.Length + tensors.Sum(tensor => tensor.LengthBytes);
        stream = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        stream.Write(length);
        stream.Write(header);
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
            stream.Flush(toDisk);
            stream.Dispose();
        }
        catch (ArgumentOutOfRangeException fault)
        {
            throw TooLong(fault);
        }

        File.Move(beside, path, overwrite: true);
        committed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (committed)
        {
            return;
        }

        try
        {
            stream.Dispose();
        }
        catch (Exception fault) when (fault is IOException or ArgumentException)
        {
            // What a full disk would not take is thrown away anyway.
        }
        finally
        {
            File.Delete(beside);
        }
    }

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

using System.Buffers.Binary;

namespace ModelCompiler.Runtime.Weights;

/// <summary>The header of a packed weights file, read and checked, or to be written. Hashes in lower-case hexadecimal.</summary>
internal readonly record struct WeightsHeaderFields(long DataLength, long TokenizerLength, string PlanHash, string ContentHash)
{
    private const string Rebuild = "Build the project again.";

    /// <summary>Where the tokenizer section begins, from the start of the file.</summary>
    public long TokenizerOffset => WeightsHeader.Align(WeightsHeader.LengthBytes + DataLength);

    /// <summary>Length of the whole file.</summary>
    public long FileLength => TokenizerLength == 0 ? WeightsHeader.LengthBytes + DataLength : TokenizerOffset + TokenizerLength;

    /// <summary>Reads a header and checks it against the length of its file; no number in it is believed before.</summary>
    public static WeightsHeaderFields Read(string source, ReadOnlySpan<byte> bytes, long fileLength)
    {
        if (!bytes[..8].SequenceEqual(WeightsHeader.Magic))
        {
            throw new WeightsFileException(source, "this is no packed weights file", $"{Convert.ToHexStringLower(bytes[..8])} in the first 8 bytes", $"{Convert.ToHexStringLower(WeightsHeader.Magic)} (MCWEIGHT)", "Name a file that was packed by the build (.mcw).");
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (version != WeightsHeader.Version)
        {
            throw new WeightsFileException(source, "version of the file", $"{version}", $"{WeightsHeader.Version}", "Build the project again with the same version of ModelCompiler for packing and running.");
        }

        int headerLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        if (headerLength != WeightsHeader.LengthBytes)
        {
            throw new WeightsFileException(source, "header length", $"{headerLength}", $"{WeightsHeader.LengthBytes}", Rebuild);
        }

        WeightsHeaderFields fields = new(
            ReadLength(source, "data length", bytes[16..], fileLength),
            ReadLength(source, "tokenizer length", bytes[24..], fileLength),
            Convert.ToHexStringLower(bytes.Slice(32, 32)),
            Convert.ToHexStringLower(bytes.Slice(64, 32)));
        return fields.FileLength <= fileLength ? fields : throw Truncated(source, fileLength, fields.FileLength);
    }

    /// <summary>Checks that these are the weights that the compiled code was made for.</summary>
    /// <exception cref="WeightsFileException">They are not.</exception>
    public void RequireFor(string source, ExpectedWeights expected)
    {
        if (PlanHash != expected.PlanHash)
        {
            throw new WeightsFileException(source, $"packed for another layout than model '{expected.Name}' was compiled for", $"plan {PlanHash}", expected.PlanHash, Rebuild);
        }

        if (DataLength != expected.LengthBytes)
        {
            throw new WeightsFileException(source, "data length", $"{DataLength} bytes", $"{expected.LengthBytes}", Rebuild);
        }

        if (ContentHash != expected.ContentHash)
        {
            throw new WeightsFileException(source, $"holds other weights than model '{expected.Name}' was compiled with", $"content {ContentHash}", expected.ContentHash, Rebuild);
        }
    }

    /// <summary>Writes the header's <see cref="WeightsHeader.LengthBytes"/> bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        bytes[..WeightsHeader.LengthBytes].Clear();
        WeightsHeader.Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], WeightsHeader.Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], WeightsHeader.LengthBytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], DataLength);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], TokenizerLength);
        Convert.FromHexString(PlanHash).CopyTo(bytes[32..]);
        Convert.FromHexString(ContentHash).CopyTo(bytes[64..]);
    }

    /// <summary>The file is shorter than it should be.</summary>
    public static WeightsFileException Truncated(string source, long found, long expected)
        => new(source, "the file is cut off", $"{found} bytes", $"{expected} or more", "Copy the file again, or build the project again.");

    private static long ReadLength(string source, string what, ReadOnlySpan<byte> bytes, long fileLength)
    {
        long length = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        return length >= 0 && length <= fileLength - WeightsHeader.LengthBytes
            ? length
            : throw new WeightsFileException(source, what, $"{length} bytes", $"0 … {fileLength - WeightsHeader.LengthBytes} (what the file holds)", "The file is cut off or damaged: copy it again, or build the project again.");
    }
}

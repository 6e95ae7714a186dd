namespace ModelCompiler.Runtime.Weights;

/// <summary>
/// The first <see cref="LengthBytes"/> bytes of a packed weights file (.mcw), little-endian. The data section follows at once, then,
/// at the next multiple of 64, the packed tokenizer.
/// <code>
///   0  8  magic "MCWEIGHT"
///   8  4  version
///  12  4  header length (128)
///  16  8  data length
///  24  8  tokenizer length (0: none)
///  32 32  plan hash: SHA-256 of the layout
///  64 32  content hash: SHA-256 of the data section followed by the tokenizer section (without the padding between)
///  96 32  zero
/// </code>
/// </summary>
public static class WeightsHeader
{
    /// <summary>Length of the header, and where the data section begins.</summary>
    public const int LengthBytes = 128;

    /// <summary>Version of this layout.</summary>
    public const int Version = 1;

    /// <summary>The first eight bytes.</summary>
    public static ReadOnlySpan<byte> Magic => "MCWEIGHT"u8;

    /// <summary>Rounds up to where the next section may begin.</summary>
    public static long Align(long bytes) => (bytes + 63) & ~63L;
}

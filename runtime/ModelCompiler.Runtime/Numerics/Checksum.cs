using System.Runtime.InteropServices;

namespace ModelCompiler.Runtime.Numerics;

/// <summary>
/// A 64-bit checksum against accidents: any single word that changes changes it. Not against forgers; in return it needs nothing of the system, whereas
/// .NET's SHA-256 ends the process of a device without OpenSSL.
/// </summary>
internal static class Checksum
{
    private const int BlockBytes = 1 << 20;

    /// <summary>Of bytes in memory, as 16 hexadecimal digits.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        ulong state = 0;
        Append(ref state, bytes);
        return Text(state, bytes.Length);
    }

    /// <summary>Of a file's bytes.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string OfFile(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        byte[] block = new byte[BlockBytes];
        ulong state = 0;
        long length = 0;
        int read;
        do
        {
            read = stream.ReadAtLeast(block, block.Length, throwOnEndOfStream: false);
            Append(ref state, block.AsSpan(0, read));
            length += read;
        }
        while (read == block.Length);
        return Text(state, length);
    }

    /// <summary>Words of eight bytes; the last one is filled up with zeros. For each word a one-to-one map of the state.</summary>
    private static void Append(ref ulong state, ReadOnlySpan<byte> bytes)
    {
        ulong sum = state;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            sum = Next(sum, word);
        }

        ReadOnlySpan<byte> rest = bytes[(bytes.Length & ~7)..];
        if (!rest.IsEmpty)
        {
            Span<byte> last = stackalloc byte[8];
            last.Clear();
            rest.CopyTo(last);
            sum = Next(sum, MemoryMarshal.Read<ulong>(last));
        }

        state = sum;
    }

    private static ulong Next(ulong sum, ulong word) => SplitMix64.Mix(sum ^ word) + SplitMix64.Golden;

    private static string Text(ulong state, long length) => SplitMix64.Mix(state ^ (ulong)length).ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}
